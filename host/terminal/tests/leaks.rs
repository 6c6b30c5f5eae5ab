//! What sessions leave behind: nothing. Alone in its process, because it counts
//! the process's descriptors, children and threads.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use quarterdeck_terminal::{OpenRequest, Until, pty};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// A condition is looked at again after this long.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd")
        .expect("readable")
        .count()
}

fn children() -> BTreeSet<String> {
    std::fs::read_dir("/proc/self/task")
        .expect("readable")
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("readable");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("known");
    line.split_whitespace()
        .nth(1)
        .and_then(|size| size.parse().ok())
        .expect("a number")
}

fn folders_in(temporary: &Path) -> usize {
    std::fs::read_dir(temporary).expect("readable").count()
}

async fn open_and_close(round: usize, home: &Path) {
    let shell = ["bash", "zsh", "fish", "dash"][round % 4];
    let opened = pty::open(OpenRequest {
        shell: Some(shell.into()),
        cwd: Some(home.to_owned()),
        env: vec![
            ("HOME".into(), home.to_string_lossy().into_owned()),
            ("ZDOTDIR".into(), home.to_string_lossy().into_owned()),
        ],
        ..OpenRequest::default()
    })
    .await
    .expect("opened");
    match round % 3 {
        // Closed at once, while the shell is still starting.
        0 => {}
        1 if shell != "dash" => {
            opened
                .keyboard
                .run("sleep 1000 &")
                .await
                .expect("typed")
                .finished(PATIENCE)
                .await;
        }
        _ => {
            opened.keyboard.write(b"exit\r").await.expect("typed");
            let waited = opened.terminal.wait(Until::Exit, None, PATIENCE).await;
            assert!(waited.met, "{shell} did not exit: {waited:?}");
        }
    }
    opened.terminal.close().await.expect("its status is known");
}

#[test]
fn two_hundred_sessions_leave_nothing_behind() {
    let scripts = tempfile::tempdir().expect("a temporary folder");
    #[allow(
        unsafe_code,
        reason = "where the host writes its scripts is known by the environment only"
    )]
    // SAFETY: the only test of this process has not started a thread yet.
    unsafe {
        std::env::set_var("XDG_RUNTIME_DIR", scripts.path());
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(open_and_close_many(scripts.path()));
}

async fn open_and_close_many(scripts: &Path) {
    let home = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(home.path().join(".zshrc"), "").expect("written");
    // The first ones bring what stays: the runtime's own descriptors, and memory.
    for round in 0..12 {
        open_and_close(round, home.path()).await;
    }
    let (descriptors_before, resident_before) = (descriptors(), resident_kilobytes());
    for batch in 0..10 {
        let rounds = (0..20).map(|index| {
            let home = home.path().to_owned();
            tokio::spawn(async move { open_and_close(batch * 20 + index, &home).await })
        });
        for round in rounds.collect::<Vec<_>>() {
            round.await.expect("opened and closed");
        }
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        // The tasks of the sessions end soon after their last handle is dropped.
        let left = (descriptors(), children(), folders_in(scripts));
        if left.0 <= descriptors_before && left.1.is_empty() && left.2 == 0 {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "left behind: {} of {descriptors_before} descriptors, children {:?}, {} folders",
            left.0,
            left.1,
            left.2
        );
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    let grown = resident_kilobytes().saturating_sub(resident_before);
    assert!(grown < 64 * 1024, "{grown} KiB more than before");
}
