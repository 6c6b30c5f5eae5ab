//! Coming to the server, for the first time and again.

use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;

use crate::connection::{NatsError, said};
use crate::settings::NatsSettings;

/// A first connection comes about within this time, or fails.
pub(crate) const CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// The longest pause between two attempts to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Connects, once; from then on the connection comes back by itself. `connects` counts
/// how often it came about.
pub(crate) async fn connect(
    settings: &NatsSettings,
    name: &str,
    connects: watch::Sender<u64>,
) -> Result<Client, NatsError> {
    let servers = settings.servers()?;
    let server = settings.told();
    let told = server.clone();
    let connecting = with_certificates(with_login(settings, &servers).await?, settings)
        .await?
        .name(name)
        .connection_timeout(CONNECTS_WITHIN)
        .reconnect_delay_callback(|attempts| {
            let pause = Duration::from_millis(100 * (1 << attempts.min(6)));
            pause.min(LONGEST_PAUSE)
        })
        .event_callback(move |event| {
            if let Event::Connected = event {
                connects.send_modify(|times| *times += 1);
            }
            let server = told.clone();
            async move { tell(&server, &event) }
        })
        .connect(servers);
    // The library's own limit is for each server and each step.
    match tokio::time::timeout(CONNECTS_WITHIN, connecting).await {
        Ok(connected) => connected.map_err(|error| refused(server, &error)),
        Err(_) => Err(NatsError::Unreachable {
            server,
            said: "it does not answer".to_owned(),
        }),
    }
}

/// Logs in as the file of credentials says, or the address.
async fn with_login(
    settings: &NatsSettings,
    servers: &[ServerAddr],
) -> Result<ConnectOptions, NatsError> {
    let options = match &settings.credentials {
        Some(file) => ConnectOptions::with_credentials_file(file)
            .await
            .map_err(|source| NatsError::Credentials {
                file: file.clone(),
                source,
            })?,
        None => ConnectOptions::new(),
    };
    let login = servers
        .iter()
        .find_map(|server| Some((server.username()?, server.password().unwrap_or_default())));
    Ok(match login {
        Some((user, password)) => options.user_and_password(user.to_owned(), password.to_owned()),
        None => options,
    })
}

/// Trusts what the settings trust, and shows what they show. That the files can be read
/// is looked at first, since the library does not tell which could not.
async fn with_certificates(
    mut options: ConnectOptions,
    settings: &NatsSettings,
) -> Result<ConnectOptions, NatsError> {
    let own = settings.certificate.iter();
    let own = own.flat_map(|(certificate, key)| [certificate, key]);
    for file in settings.ca.iter().chain(own) {
        tokio::fs::metadata(file)
            .await
            .map_err(|source| NatsError::Certificate {
                file: file.clone(),
                source,
            })?;
    }
    if let Some(ca) = &settings.ca {
        options = options.add_root_certificates(ca.clone()).require_tls(true);
    }
    if let Some((certificate, key)) = &settings.certificate {
        options = options
            .add_client_certificate(certificate.clone(), key.clone())
            .require_tls(true);
    }
    Ok(options)
}

/// Why no connection came about.
fn refused(server: String, error: &ConnectError) -> NatsError {
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            NatsError::Login { server }
        }
        ConnectErrorKind::ServerParse => NatsError::Url(said(error)),
        // What rustls says comes as data that cannot be.
        kind if kind == ConnectErrorKind::Tls || is_bad_data(error) => NatsError::Tls {
            server,
            said: said(error),
        },
        _ => NatsError::Unreachable {
            server,
            said: said(error),
        },
    }
}

fn is_bad_data(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(now) = error {
        let io = now.downcast_ref::<std::io::Error>();
        if io.is_some_and(|it| it.kind() == std::io::ErrorKind::InvalidData) {
            return true;
        }
        error = now.source();
    }
    false
}

fn tell(server: &str, event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to the NATS server at {server}"),
        Event::Disconnected => tracing::warn!(
            "the connection to the NATS server at {server} is lost; it is tried again until it is back"
        ),
        Event::ServerError(error) => tracing::warn!("the NATS server at {server} says: {error}"),
        Event::ClientError(error) => tracing::warn!("NATS at {server}: {error}"),
        _ => tracing::debug!("NATS at {server}: {event}"),
    }
}
