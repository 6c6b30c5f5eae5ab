//! Approver components made from a few lines of WAT, so that testing the host
//! takes no guest toolchain.
#![allow(dead_code, reason = "each test program uses a part of what is here")]

pub(crate) mod kinds;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_policy::{
    BundledPolicy, CallerFacts, Certainty, Entry, Limits, PolicyHost, PolicyProblem, PromptState,
    ReviewRequest, Ruling, SessionFacts, Settings,
};
use tokio::sync::watch;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// An approver that answers `tier` (0, 1 or 2) with `reason`, unless the command
/// begins with `!`: then it does what the next character says.
///
/// | command | what the guest does |
/// | --- | --- |
/// | `!t` | traps |
/// | `!l` | loops for ever |
/// | `!m` | grows its memory without end |
/// | `!x` | calls itself without end |
/// | `!u` | answers with a reason that is not UTF-8 |
/// | `!b` | answers with a reason of 2^30 bytes |
/// | `!o` | answers with a reason that lies outside its memory |
/// | `!e` | answers with a tier that does not exist |
/// | `!p` | answers with a span outside the command |
/// | `!q` | answers with a span within the command (bytes 1 to 2) |
/// | `!d` | answers with an option that is neither there nor not there |
/// | `!h` | answers with a reason of 100 MB, all of which it has |
/// | `!s` | takes a few tenths of a second, then answers |
/// | `!k` | takes a few milliseconds, then answers |
/// | `!c` | answers `safe` the first time an instance is asked, else `dangerous` |
///
/// Configured with `{"tier":"0"}`, it takes its tier from there; a longer
/// configuration takes it about a millisecond to digest, one of more than 64
/// bytes some tenths of a second; `{"fail":…}` is refused.
pub(crate) fn puppet(tier: u8, reason: &str) -> Vec<u8> {
    component("approver", &puppet_module(tier, reason))
}

fn puppet_module(tier: u8, reason: &str) -> String {
    let length = reason.len();
    let reason: String = reason.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"
(module
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 16384))
  (global $tier (mut i32) (i32.const {tier}))
  (global $asked (mut i32) (i32.const 0))
  (data (i32.const 4096) "{reason}")
  (data (i32.const 8192) "no fail key, please")
  (data (i32.const 8224) "\ff\fe\fd")

  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (block $enough
      (loop $more
        (br_if $enough (i32.le_u (local.get $end) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $enough (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
        (br $more)))
    (global.set $free (local.get $end))
    (local.get $at))

  (func (export "quarterdeck:policy/configuration@0.1.0#configure")
    (param $config i32) (param $length i32) (result i32)
    (i32.store8 (i32.const 512) (i32.const 0))
    (if (i32.gt_u (local.get $length) (i32.const 9))
      (then
        ;; The first letter of the first key: "tier" or "fail".
        (if (i32.eq (i32.load8_u offset=2 (local.get $config)) (i32.const 102))
          (then
            (i32.store8 (i32.const 512) (i32.const 1))
            (i32.store (i32.const 516) (i32.const 8192))
            (i32.store (i32.const 520) (i32.const 19))
            (return (i32.const 512))))
        (global.set $tier
          (i32.sub (i32.load8_u offset=9 (local.get $config)) (i32.const 48)))))
    (if (i32.gt_u (local.get $length) (i32.const 16))
      (then
        (call $turn
          (select (i32.const 300000000) (i32.const 2000000)
            (i32.gt_u (local.get $length) (i32.const 64))))))
    (i32.const 512))

  (func $turn (param $times i32)
    (loop $again
      (local.set $times (i32.sub (local.get $times) (i32.const 1)))
      (br_if $again (local.get $times))))

  (func $deeper (param i32) (result i32)
    (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))

  (func $span (param $start i32) (param $end i32)
    (i32.store8 (i32.const 1048) (i32.const 1))
    (i32.store (i32.const 1052) (local.get $start))
    (i32.store (i32.const 1056) (local.get $end)))

  (func (export "quarterdeck:policy/approve@0.1.0#review") (param $request i32) (result i32)
    (local $command i32) (local $order i32)
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 48))
    (i32.store8 (i32.const 1024) (global.get $tier))
    (i32.store (i32.const 1028) (i32.const 4096))
    (i32.store (i32.const 1032) (i32.const {length}))
    (local.set $command (i32.load (local.get $request)))
    (if (i32.lt_u (i32.load offset=4 (local.get $request)) (i32.const 2))
      (then (return (i32.const 1024))))
    (if (i32.ne (i32.load8_u (local.get $command)) (i32.const 33))
      (then (return (i32.const 1024))))
    (local.set $order (i32.load8_u offset=1 (local.get $command)))
    (if (i32.eq (local.get $order) (i32.const 116)) (then (unreachable)))
    (if (i32.eq (local.get $order) (i32.const 108)) (then (loop $ever (br $ever))))
    (if (i32.eq (local.get $order) (i32.const 109))
      (then (loop $ever (drop (memory.grow (i32.const 16))) (br $ever))))
    (if (i32.eq (local.get $order) (i32.const 120))
      (then (drop (call $deeper (i32.const 0)))))
    (if (i32.eq (local.get $order) (i32.const 117))
      (then (i32.store (i32.const 1028) (i32.const 8224)) (i32.store (i32.const 1032) (i32.const 3))))
    (if (i32.eq (local.get $order) (i32.const 98))
      (then (i32.store (i32.const 1032) (i32.const 1073741824))))
    (if (i32.eq (local.get $order) (i32.const 111))
      (then (i32.store (i32.const 1028) (i32.const 131070)) (i32.store (i32.const 1032) (i32.const 100))))
    (if (i32.eq (local.get $order) (i32.const 101))
      (then (i32.store8 (i32.const 1024) (i32.const 7))))
    (if (i32.eq (local.get $order) (i32.const 112))
      (then (call $span (i32.const 1) (i32.const 90000))))
    (if (i32.eq (local.get $order) (i32.const 113))
      (then (call $span (i32.const 1) (i32.const 2))))
    (if (i32.eq (local.get $order) (i32.const 100))
      (then (i32.store8 (i32.const 1036) (i32.const 9))))
    (if (i32.eq (local.get $order) (i32.const 104))
      (then
        (i32.store (i32.const 1028) (i32.const 131072))
        (i32.store (i32.const 1032) (i32.const 100000000))
        (if (i32.eq (memory.grow (i32.const 1526)) (i32.const -1)) (then (unreachable)))
        (memory.fill (i32.const 131072) (i32.const 65) (i32.const 100000000))))
    (if (i32.eq (local.get $order) (i32.const 107)) (then (call $turn (i32.const 8000000))))
    (if (i32.eq (local.get $order) (i32.const 115)) (then (call $turn (i32.const 300000000))))
    (if (i32.eq (local.get $order) (i32.const 99))
      (then
        (i32.store8 (i32.const 1024) (i32.mul (global.get $asked) (i32.const 2)))
        (global.set $asked (i32.const 1))))
    (i32.const 1024))
)"#
    )
}

/// A puppet that was built against another version of the WIT package.
pub(crate) fn puppet_of_version(version: &str, reason: &str) -> Vec<u8> {
    let (resolve, package) = policy_package_of_version(version);
    let wat = puppet_module(0, reason).replace("@0.1.0", &format!("@{version}"));
    component_of(resolve, package, "approver", wat::parse_str(wat).unwrap())
}

/// A component for `world` of the repository's WIT package, from a core module.
pub(crate) fn component(world: &str, wat: &str) -> Vec<u8> {
    let (resolve, package) = policy_package();
    component_of(resolve, package, world, wat::parse_str(wat).unwrap())
}

/// A component for any world of `package`.
pub(crate) fn component_of(
    resolve: Resolve,
    package: wit_parser::PackageId,
    world: &str,
    mut module: Vec<u8>,
) -> Vec<u8> {
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}

/// An approver that asks WASI for everything it could learn about this
/// machine: it says `safe` if that is nothing.
pub(crate) fn curious() -> Vec<u8> {
    let (resolve, package) = curious_package("approver");
    let wat = r#"(module
        (import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
        (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (param i32)))
        (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $folders (param i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192))
        (func (export "quarterdeck:policy/configuration@0.1.0#configure")
            (param i32 i32) (result i32) (i32.const 512))
        (func (export "quarterdeck:policy/approve@0.1.0#review") (param i32) (result i32)
            (call $environment (i32.const 2048))
            (call $now (i32.const 2064))
            (call $folders (i32.const 2080))
            (if (i32.or
                    (i64.ne (i64.load (i32.const 2064)) (i64.const 0))
                    (i32.or (i32.load (i32.const 2052)) (i32.load (i32.const 2084))))
                (then (i32.store8 (i32.const 1024) (i32.const 2))))
            (i32.const 1024)))"#;
    component_of(resolve, package, "curious", wat::parse_str(wat).unwrap())
}

/// A package whose world `curious` is one of ours with three interfaces of WASI
/// on top.
pub(crate) fn curious_package(world: &str) -> (Resolve, wit_parser::PackageId) {
    inline_package(&format!(
        "package test:curious;
        package wasi:cli@0.2.0 {{
            interface environment {{ get-environment: func() -> list<tuple<string, string>>; }}
        }}
        package wasi:clocks@0.2.0 {{
            interface wall-clock {{
                record datetime {{ seconds: u64, nanoseconds: u32 }}
                now: func() -> datetime;
            }}
        }}
        package wasi:filesystem@0.2.0 {{
            interface types {{ resource descriptor; }}
            interface preopens {{
                use types.{{descriptor}};
                get-directories: func() -> list<tuple<descriptor, string>>;
            }}
        }}
        world curious {{
            import wasi:cli/environment@0.2.0;
            import wasi:clocks/wall-clock@0.2.0;
            import wasi:filesystem/preopens@0.2.0;
            include quarterdeck:policy/{world}@0.1.0;
        }}"
    ))
}

/// A component that has the shape of `world` and traps whatever it is asked.
pub(crate) fn dummy(resolve: Resolve, package: wit_parser::PackageId, world: &str) -> Vec<u8> {
    let id = resolve.select_world(&[package], Some(world)).unwrap();
    let module = wit_component::dummy_module(&resolve, id, wit_parser::ManglingAndAbi::Standard32);
    component_of(resolve, package, world, module)
}

/// The repository's WIT package.
pub(crate) fn policy_package() -> (Resolve, wit_parser::PackageId) {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_dir(wit).unwrap();
    (resolve, package)
}

/// The repository's WIT package under another version.
pub(crate) fn policy_package_of_version(version: &str) -> (Resolve, wit_parser::PackageId) {
    policy_package_with(
        "quarterdeck:policy@0.1.0",
        &format!("quarterdeck:policy@{version}"),
    )
}

/// The repository's WIT package with `from` written as `to` throughout.
pub(crate) fn policy_package_with(from: &str, to: &str) -> (Resolve, wit_parser::PackageId) {
    let folder = tempfile::tempdir().unwrap();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut found = false;
    for file in std::fs::read_dir(wit).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            let text = std::fs::read_to_string(file.path()).unwrap();
            found |= text.contains(from);
            std::fs::write(folder.path().join(file.file_name()), text.replace(from, to)).unwrap();
        }
    }
    assert!(found, "no {from:?} in the WIT package");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder.path()).unwrap();
    (resolve, package)
}

/// A package written in a test, which may refer to the repository's.
pub(crate) fn inline_package(wit: &str) -> (Resolve, wit_parser::PackageId) {
    let (mut resolve, _) = policy_package();
    let package = resolve.push_str("inline.wit", wit).unwrap();
    (resolve, package)
}

/// A host on folders of its own, with what it reported.
pub(crate) struct Quarters {
    pub(crate) host: PolicyHost,
    pub(crate) plugins: PathBuf,
    pub(crate) cache: PathBuf,
    pub(crate) problems: Arc<watch::Sender<Vec<PolicyProblem>>>,
    folder: Option<tempfile::TempDir>,
}

/// How long anything may take that has to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// A condition is looked at again after this long.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// How to set up [`Quarters`].
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) bundled: Vec<BundledPolicy>,
    pub(crate) required: Vec<&'static str>,
    pub(crate) files: Vec<(&'static str, Vec<u8>)>,
    pub(crate) limits: Limits,
    pub(crate) unwatched: bool,
}

impl Plan {
    /// One bundled approver, `base`, that says `safe`.
    pub(crate) fn with_base() -> Self {
        Plan {
            bundled: vec![base(0)],
            ..Plan::default()
        }
    }

    pub(crate) async fn settle(self) -> Quarters {
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        make_private(&plugins);
        for (name, content) in &self.files {
            write(&plugins.join(name), content);
        }
        self.settle_in(folder).await
    }

    /// Settles in a folder that may hold a `plugins` and a `cache` already.
    pub(crate) async fn settle_in(self, folder: tempfile::TempDir) -> Quarters {
        let plugins = folder.path().join("plugins");
        let cache = folder.path().join("cache");
        let problems = Arc::new(watch::Sender::new(Vec::new()));
        let settings = Settings {
            plugins_dir: plugins.clone(),
            cache_dir: cache.clone(),
            compiler: None,
            bundled: self.bundled,
            limits: self.limits,
            watch: !self.unwatched,
            kept_instances: Settings::KEPT_BY_A_HOST,
            required: self.required.into_iter().map(str::to_owned).collect(),
        };
        let host = PolicyHost::start(settings, {
            let problems = Arc::clone(&problems);
            move |problem| problems.send_modify(|known| known.push(problem))
        })
        .unwrap();
        host.ready().await;
        Quarters {
            host,
            plugins,
            cache,
            problems,
            folder: Some(folder),
        }
    }
}

/// The first problem whose text contains `part`.
fn among(problems: &[PolicyProblem], part: &str) -> Option<PolicyProblem> {
    problems
        .iter()
        .find(|problem| problem.to_string().contains(part))
        .cloned()
}

/// A bundled approver named `base`.
pub(crate) fn base(tier: u8) -> BundledPolicy {
    BundledPolicy {
        kind: quarterdeck_policy::PolicyKind::Approver,
        name: "base",
        wasm: puppet(tier, "the bundled one").leak(),
    }
}

impl Quarters {
    pub(crate) async fn review(&self, command: &str) -> Ruling {
        self.host.approvers().await.review(&request(command)).await
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        write(&self.plugins.join(name), content);
    }

    /// Puts a file there the way that careful programs do.
    pub(crate) fn rename_in(&self, name: &str, content: &[u8]) {
        let aside = self.plugins.join(format!(".{name}.new"));
        write(&aside, content);
        std::fs::rename(aside, self.plugins.join(name)).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.plugins.join(name)).unwrap();
    }

    /// Waits until the ruling on a harmless command has this reason.
    pub(crate) async fn until_reason(&self, reason: &str) -> Ruling {
        let mut last = None;
        for _ in 0..2000 {
            let ruling = self.review("ls").await;
            if ruling.verdict.reason == reason {
                return ruling;
            }
            last = Some(ruling);
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        panic!(
            "never heard {reason:?}, last {last:?}, {:?}",
            self.reports()
        );
    }

    /// Waits for a problem whose text contains `part`.
    pub(crate) async fn until_problem(&self, part: &str) -> PolicyProblem {
        let mut problems = self.problems.subscribe();
        let come = problems.wait_for(|known| among(known, part).is_some());
        match tokio::time::timeout(PATIENCE, come).await {
            Ok(known) => among(&known.unwrap(), part).unwrap(),
            Err(_) => panic!("no problem with {part:?} in {:?}", self.reports()),
        }
    }

    pub(crate) fn find(&self, part: &str) -> Option<PolicyProblem> {
        among(&self.problems.borrow(), part)
    }

    pub(crate) fn reports(&self) -> Vec<String> {
        let problems = self.problems.borrow();
        problems.iter().map(PolicyProblem::to_string).collect()
    }

    pub(crate) async fn leave(mut self) -> tempfile::TempDir {
        self.host.shutdown().await;
        self.folder.take().unwrap()
    }
}

/// A request whose command line is `command`.
pub(crate) fn request(command: &str) -> ReviewRequest {
    ReviewRequest {
        command_line: command.to_owned(),
        entry: Entry::Command,
        certainty: Certainty::Exact,
        session: SessionFacts {
            id: String::from("s1"),
            name: String::from("main"),
            backend: String::from("pty"),
            cwd: Some(String::from("/home/me")),
            program: Some(String::from("bash")),
            prompt: PromptState::AtPrompt,
            full_screen: false,
            tags: vec![String::from("build")],
            role: None,
            team: None,
            attributes: vec![(String::from("host"), String::from("here"))],
        },
        caller: CallerFacts {
            kind: String::from("agent"),
            agent: Some(String::from("tester")),
            client: None,
            role: None,
            transport: String::from("stdio"),
        },
        recent: vec![String::from("cd /home/me")],
        time_ms: 1_700_000_000_000,
        attributes: Vec::new(),
    }
}

/// Makes a folder that is closed to others whatever the umask says.
pub(crate) fn make_private(path: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .unwrap();
}

/// Writes a file that is closed to others whatever the umask says.
pub(crate) fn write(path: &Path, content: &[u8]) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap()
        .write_all(content)
        .unwrap();
}
