//! Compiled code is kept between starts, believed only when it is whole and
//! one's own, and made anew otherwise.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use quarterdeck_policy::{ProblemKind, Tier};
use support::{Plan, Quarters, puppet};

fn entries(cache: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

/// Two policies with a configuration that is costly to digest, so that what is
/// run is the code that was kept after configuring; and where it is kept.
async fn two_policies() -> (Quarters, PathBuf, PathBuf) {
    const COSTLY: &[u8] = b"[config]\ntier = \"0\"\nz = \"long enough\"\n";
    let quarters = Plan {
        files: vec![("a.toml", COSTLY.to_vec()), ("a.wasm", puppet(0, "a"))],
        ..Plan::default()
    }
    .settle()
    .await;
    let of_a = entries(&quarters.cache);
    quarters.put("b.toml", COSTLY);
    quarters.put("b.wasm", &puppet(0, "b"));
    quarters.host.rescan().await;
    let mut of_b = entries(&quarters.cache);
    of_b.retain(|entry| !of_a.contains(entry));

    // The code as it was before configuring is named after the component.
    let digests: Vec<_> = quarters
        .host
        .list()
        .into_iter()
        .map(|it| it.digest)
        .collect();
    let configured = |entries: Vec<PathBuf>| -> PathBuf {
        let (plain, configured): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| {
            let name = entry.file_name().unwrap().to_str().unwrap();
            digests.iter().any(|digest| name.starts_with(digest))
        });
        assert_eq!((plain.len(), configured.len()), (1, 1));
        configured.into_iter().next().unwrap()
    };
    let (a, b) = (configured(of_a), configured(of_b));
    assert_eq!(reasons(&quarters).await, ["a", "b"]);
    (quarters, a, b)
}

async fn reasons(quarters: &Quarters) -> Vec<String> {
    let ruling = quarters.review("ls").await;
    ruling.all.into_iter().map(|it| it.reason).collect()
}

async fn start_again(quarters: Quarters) -> Quarters {
    let folder = quarters.leave().await;
    Plan::default().settle_in(folder).await
}

#[tokio::test]
async fn the_second_start_runs_what_the_first_one_compiled() {
    let (quarters, a, b) = two_policies().await;
    let mode = std::fs::metadata(&a).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The proof that nothing is compiled: what is kept for the one is run when
    // the other is asked.
    std::fs::copy(a, b).unwrap();
    let quarters = start_again(quarters).await;
    assert_eq!(reasons(&quarters).await, ["a", "a"]);
}

#[tokio::test]
async fn damaged_code_is_made_anew() {
    let (mut quarters, _, entry) = two_policies().await;
    let whole = std::fs::read(&entry).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    // Whole by its digest, and nothing that the engine would run.
    let mut nonsense = whole[..8].to_vec();
    let body = vec![0x51; 4096];
    nonsense.extend(<sha2::Sha256 as sha2::Digest>::digest(&body));
    nonsense.extend(body);
    for damaged in [flipped, nonsense, whole[..100].to_vec(), Vec::new()] {
        std::fs::write(&entry, &damaged).unwrap();
        quarters = start_again(quarters).await;
        assert_eq!(reasons(&quarters).await, ["a", "b"]);
        assert_eq!(quarters.reports(), Vec::<String>::new());
        let mended = std::fs::read(&entry).unwrap();
        assert!(mended != damaged && mended.len() > 4096, "not made anew");
    }
}

#[tokio::test]
async fn code_that_others_can_write_to_is_not_run() {
    let (quarters, a, b) = two_policies().await;
    std::fs::copy(&a, &b).unwrap();
    std::fs::set_permissions(&b, std::fs::Permissions::from_mode(0o666)).unwrap();
    let quarters = start_again(quarters).await;
    assert_eq!(reasons(&quarters).await, ["a", "b"]);
    let mode = std::fs::metadata(&b).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // A symlink is nobody's entry either.
    std::fs::remove_file(&b).unwrap();
    std::os::unix::fs::symlink(&a, &b).unwrap();
    let quarters = start_again(quarters).await;
    assert_eq!(reasons(&quarters).await, ["a", "b"]);
}

#[tokio::test]
async fn a_cache_that_others_can_look_into_is_refused_and_done_without() {
    for mode in [0o755, 0o707, 0o770] {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        std::fs::create_dir(&cache).unwrap();
        std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(mode)).unwrap();
        let quarters = Plan::with_base().settle_in(folder).await;
        let problem = quarters.until_problem("run `chmod 700").await;
        assert_eq!(problem.kind, ProblemKind::Cache);
        assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
        assert_eq!(entries(&cache), Vec::<PathBuf>::new());
    }
}

#[tokio::test]
async fn a_cache_that_is_none_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cache"), b"a file").unwrap();
    let quarters = Plan::with_base().settle_in(folder).await;
    let problem = quarters.until_problem("every start compiles anew").await;
    assert_eq!(problem.kind, ProblemKind::Cache);
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cache_does_not_grow_without_end() {
    let quarters = Plan::with_base().settle().await;
    for number in 0..70 {
        let name = format!("p{number}.wasm");
        quarters.put(&name, &puppet(0, &format!("policy {number}")));
    }
    quarters.host.rescan().await;
    assert_eq!(quarters.host.list().len(), 71);
    assert_eq!(entries(&quarters.cache).len(), 64);
}

#[tokio::test]
async fn configured_code_is_kept_for_its_configuration_alone() {
    let config = |tier| format!("[config]\ntier = \"{tier}\"\nz = \"a longer one\"\n");
    let plan = |tier| Plan {
        files: vec![("base.toml", config(tier).into())],
        ..Plan::with_base()
    };
    let quarters = plan(2).settle().await;
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Dangerous);
    assert_eq!(entries(&quarters.cache).len(), 2);
    let mut folder = quarters.leave().await;
    for (tier, expected, kept) in [(2, Tier::Dangerous, 2), (1, Tier::Review, 3)] {
        let sidecar = folder.path().join("plugins/base.toml");
        support::write(&sidecar, config(tier).as_bytes());
        let quarters = plan(tier).settle_in(folder).await;
        assert_eq!(quarters.review("ls").await.verdict.tier, expected);
        assert_eq!(entries(&quarters.cache).len(), kept);
        folder = quarters.leave().await;
    }
}
