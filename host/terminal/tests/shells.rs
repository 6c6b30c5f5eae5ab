//! scratch
use quarterdeck_terminal::*;
use std::time::Duration;
#[tokio::test(flavor = "multi_thread")]
async fn smoke() {
    for shell in ["bash", "zsh", "fish"] {
        let o = pty::open(OpenRequest {
            shell: Some(shell.into()),
            session_id: "x".into(),
            ..Default::default()
        })
        .await
        .unwrap();
        for c in [
            "echo hi",
            "false",
            "echo 'unbalanced",
            "# c",
            "printf 'a\nb'",
            "cat <<X\nfoo\nX",
            "sleep 0.05 &",
            "echo )",
            "cd /tmp; pwd",
            "echo x # trailing",
            "echo a\nfalse\n",
        ] {
            let t = std::time::Instant::now();
            match o.keyboard.run(c).await {
                Ok(mut r) => {
                    let s = r.finished(Duration::from_secs(3)).await;
                    let text = match &s {
                        CommandState::Finished { output, .. } => {
                            o.terminal
                                .read_until(output.start, output.end, 10000)
                                .await
                                .text
                        }
                        _ => String::new(),
                    };
                    println!("{shell} {c:?}: {s:?} {text:?} {:?}", t.elapsed());
                    if s == CommandState::Incomplete {
                        println!("clear {:?}", o.keyboard.clear_line().await);
                    }
                    if matches!(s, CommandState::StillRunning { .. }) {
                        println!("{}", o.terminal.screen().await.text());
                        println!("{:?}", o.terminal.read(Cursor::START, 100000).await);
                        break;
                    }
                }
                Err(e) => println!("{shell} {c:?}: {e:?} {:?}", o.terminal.status().await),
            }
        }
        o.keyboard.write(b"echo typed").await.unwrap();
        let t = std::time::Instant::now();
        println!("{:?} {:?}", o.keyboard.shell_line().await, t.elapsed());
        println!("{:?}", o.keyboard.run("true").await.err());
        println!("{:?}", o.keyboard.clear_line().await);
        println!("{:?}", o.terminal.status().await);
        println!("{}", o.terminal.screen().await.text());
        let t = std::time::Instant::now();
        println!("{:?} {:?}", o.terminal.close().await, t.elapsed());
    }
}
