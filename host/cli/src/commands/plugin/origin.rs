//! Where a component that is to be added comes from.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use futures_util::TryStreamExt;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use quarterdeck_core::policy::{ComponentFacts, Limits};
use reqwest::Url;
use reqwest::redirect::Policy;

use super::check::component_in;
use super::folder::read_if_there;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long all of it may take.
const WHOLE: Duration = Duration::from_secs(300);
/// How often a server may point to another place.
const REDIRECTS: usize = 5;
/// What other tools call a component in a registry.
const MEDIA_TYPES: [&str; 2] = [
    "application/wasm",
    "application/vnd.wasm.content.layer.v1+wasm",
];

/// A file, an address on the web, or an artifact in an OCI registry.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Origin {
    File(PathBuf),
    Url(Url),
    Registry(Reference),
}

impl Origin {
    /// Tells which it is. A file that exists is never taken for anything else.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if let Some(reference) = text.strip_prefix("oci://") {
            return registry(reference);
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            let url = Url::parse(text).with_context(|| format!("{text:?} is no URL"))?;
            ensure!(is_safe(&url), "{}", unsafe_url(&url));
            return Ok(Self::Url(url));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            bail!(
                "{scheme}:// is not understood; a component comes from a file, https:// or oci://"
            );
        }
        if !Path::new(text).exists() && looks_like_reference(text) {
            return registry(text);
        }
        Ok(Self::File(PathBuf::from(text)))
    }

    /// The name that a policy from there has, unless another is given.
    pub(super) fn stem(&self) -> Option<&str> {
        let last = match self {
            Self::File(path) => return path.file_stem()?.to_str(),
            Self::Url(url) => url.path().rsplit('/').next()?,
            Self::Registry(reference) => return reference.repository().rsplit('/').next(),
        };
        Some(last.strip_suffix(".wasm").unwrap_or(last)).filter(|name| !name.is_empty())
    }

    /// What the sidecar beside a file holds, if there is one.
    pub(super) fn sidecar(&self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::File(path) => read_if_there(&path.with_extension("toml")),
            Self::Url(_) | Self::Registry(_) => Ok(None),
        }
    }

    /// Whether only a digest tells that what comes is what was meant.
    pub(super) fn needs_digest(&self) -> bool {
        matches!(self, Self::Url(_))
    }

    /// Brings the component. Its size is bounded, and so is the time it takes.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>> {
        let fetched = async {
            match self {
                Self::File(path) => component_in(path),
                Self::Url(url) => download(url).await,
                Self::Registry(reference) => pull(reference).await,
            }
        };
        match tokio::time::timeout(WHOLE, fetched).await {
            Ok(fetched) => fetched.with_context(|| format!("fetching {self}")),
            Err(_) => bail!("fetching {self} took longer than {} s", WHOLE.as_secs()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url(url) => write!(f, "{url}"),
            Self::Registry(reference) => write!(f, "oci://{reference}"),
        }
    }
}

fn registry(text: &str) -> Result<Origin> {
    let reference: Reference = text.parse().with_context(|| {
        format!("{text:?} is no OCI reference; one looks like oci://ghcr.io/someone/policy:1.0")
    })?;
    Ok(Origin::Registry(reference))
}

/// `ghcr.io/someone/policy:1.0`: a host with a point or a port, and a tag or a
/// digest at the end.
fn looks_like_reference(text: &str) -> bool {
    let Some((host, rest)) = text.split_once('/') else {
        return false;
    };
    let is_host = host.contains(['.', ':']) && !host.starts_with('.') || host == "localhost";
    is_host && rest.contains([':', '@'])
}

fn limit() -> u64 {
    Limits::default().max_component_bytes
}

fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(is_this_machine),
        _ => false,
    }
}

fn unsafe_url(url: &Url) -> String {
    format!("{url} would come over an open line; use https:// (http:// is for this machine alone)")
}

/// Whether a host, perhaps with a port, can only be this machine.
fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// TLS comes with no cryptography of its own.
fn choose_cryptography() {
    // It fails where one is chosen already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn download(url: &Url) -> Result<Vec<u8>> {
    choose_cryptography();
    let follow = Policy::custom(|attempt| {
        if attempt.previous().len() > REDIRECTS {
            return attempt.error("it points from place to place without end");
        }
        if is_safe(attempt.url()) {
            return attempt.follow();
        }
        let refusal = unsafe_url(attempt.url());
        attempt.error(refusal)
    });
    let mut client = reqwest::Client::builder()
        .redirect(follow)
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")));
    if url.host_str().is_some_and(is_this_machine) {
        client = client.no_proxy();
    }
    let response = client.build()?.get(url.clone()).send().await?;
    let mut response = response.error_for_status()?;
    ensure_fits(response.content_length().unwrap_or(0))?;
    let mut component = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure_fits((component.len() + chunk.len()) as u64)?;
        component.extend_from_slice(&chunk);
    }
    Ok(component)
}

/// Pulls the one component that a reference leads to, as anybody may.
async fn pull(reference: &Reference) -> Result<Vec<u8>> {
    choose_cryptography();
    let registry = reference.resolve_registry();
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let protocol = if is_this_machine(host) {
        ClientProtocol::HttpsExcept(vec![registry.to_owned()])
    } else {
        ClientProtocol::Https
    };
    let client = Client::try_from(ClientConfig {
        protocol,
        connect_timeout: Some(CONNECT),
        read_timeout: Some(SILENCE),
        ..ClientConfig::default()
    })?;
    let login = login(registry).await?;
    let (manifest, digest) = client
        .pull_image_manifest(reference, &login)
        .await
        .with_context(|| match login {
            RegistryAuth::Anonymous => format!(
                "the registry gives no manifest; if it asks for a password, `docker login {registry}` \
                 (or `oras login`) first"
            ),
            _ => "the registry gives no manifest, with the login that docker keeps for it".to_owned(),
        })?;
    if let Some(expected) = reference.digest() {
        ensure!(
            digest == expected,
            "the registry answered with the manifest {digest}"
        );
    }
    let layer = component_of(&manifest.layers)?;
    ensure_fits(u64::try_from(layer.size).unwrap_or(u64::MAX))?;
    let mut component = Vec::new();
    let mut stream = client.pull_blob_stream(reference, layer).await?;
    while let Some(chunk) = stream.stream.try_next().await? {
        ensure_fits((component.len() + chunk.len()) as u64)?;
        component.extend_from_slice(&chunk);
    }
    let found = format!("sha256:{}", ComponentFacts::of(&component).digest);
    ensure!(
        layer.digest == found,
        "the manifest promises {}, but what came is {found}",
        layer.digest
    );
    Ok(component)
}

/// The login that `docker login` has left for a registry, if there is one.
async fn login(registry: &str) -> Result<RegistryAuth> {
    let server = registry.to_owned();
    // Another program may keep it.
    let found =
        tokio::task::spawn_blocking(move || docker_credential::get_credential(&server)).await?;
    match found {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(RegistryAuth::Basic(user, password))
        }
        Ok(DockerCredential::IdentityToken(token)) => Ok(RegistryAuth::Bearer(token)),
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound,
        ) => Ok(RegistryAuth::Anonymous),
        Err(error) => {
            // Public registries need none, so this alone is no reason to stop.
            tracing::warn!(
                "the login for {registry} in docker's configuration is left out: {error}"
            );
            Ok(RegistryAuth::Anonymous)
        }
    }
}

fn component_of(layers: &[OciDescriptor]) -> Result<&OciDescriptor> {
    let is_component = |layer: &&OciDescriptor| MEDIA_TYPES.contains(&layer.media_type.as_str());
    let mut components = layers.iter().filter(is_component);
    match (components.next(), components.next()) {
        (Some(component), None) => Ok(component),
        (Some(_), Some(_)) => bail!("it holds several components; a policy is one"),
        (None, _) => bail!(
            "it holds no layer of the type {}, so it is no component",
            MEDIA_TYPES[0]
        ),
    }
}

fn ensure_fits(bytes: u64) -> Result<()> {
    let limit = limit();
    ensure!(
        bytes <= limit,
        "it is larger than {limit} bytes, the most that a component may have"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::parse(text).expect(text)
    }

    #[test]
    fn an_origin_is_told_by_its_form() {
        for text in [
            "rule.wasm",
            "./a/rule.wasm",
            "dist/rule",
            "../x.wasm",
            "/tmp/a:b",
        ] {
            assert!(matches!(origin(text), Origin::File(_)), "{text}");
        }
        for text in [
            "https://example.org/rule.wasm",
            "http://127.0.0.1:80/x",
            "http://[::1]/x",
            "http://localhost/x",
        ] {
            assert!(matches!(origin(text), Origin::Url(_)), "{text}");
        }
        let pinned = format!("ghcr.io/me/rule@sha256:{}", "a".repeat(64));
        for text in [
            "oci://ghcr.io/me/rule:1.0",
            "ghcr.io/me/rule:1.0",
            "localhost:5000/rule:1",
            &pinned,
        ] {
            assert!(matches!(origin(text), Origin::Registry(_)), "{text}");
        }
    }

    #[test]
    fn a_policy_is_named_after_where_it_comes_from() {
        for (text, stem) in [
            ("dist/no-push.wasm", Some("no-push")),
            ("https://example.org/a/no-push.wasm?raw=1", Some("no-push")),
            ("https://example.org/", None),
            ("oci://ghcr.io/me/no-push:1.0", Some("no-push")),
        ] {
            assert_eq!(origin(text).stem(), stem, "{text}");
        }
    }

    #[test]
    fn open_lines_and_unknown_schemes_are_refused() {
        for (text, told) in [
            ("http://example.org/x.wasm", "open line"),
            ("http://localhost.example.org/x.wasm", "open line"),
            ("http://127.0.0.1.example.org/x.wasm", "open line"),
            ("ftp://example.org/x.wasm", "ftp://"),
            ("oci://UPPER CASE", "no OCI reference"),
        ] {
            let error = Origin::parse(text).expect_err(text);
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}
