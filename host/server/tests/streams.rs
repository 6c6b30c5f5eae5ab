//! The streams over a real connection, with events that nothing else publishes here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use quarterdeck_core::events::{HealthAlert, PerformanceUpdate, ProgressUpdate};
use quarterdeck_core::monitor::{Component, OverallUsage, SessionUsage, Severity, Usage};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use support::Stage;
use support::counter::{Counter, Tally};
use support::typing::Typing;

mod support;

/// A client's end of a stream.
type Socket = WebSocketStream<TcpStream>;

/// Connects as the documents' clients do.
async fn connect(stage: &Stage, path: &str) -> Socket {
    let stream = TcpStream::connect(stage.address)
        .await
        .expect("a connection");
    let address = format!("ws://{}{path}", stage.address);
    let (socket, _) = tokio_tungstenite::client_async(address, stream)
        .await
        .expect("a handshake");
    socket
}

async fn hear(socket: &mut Socket) -> Value {
    let next = tokio::time::timeout(Duration::from_secs(20), socket.next());
    match next
        .await
        .expect("in time")
        .expect("a message")
        .expect("a frame")
    {
        Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("{other:?} is no text"),
    }
}

async fn say(socket: &mut Socket, message: Value) {
    let message = Message::text(message.to_string());
    socket.send(message).await.expect("sent");
}

fn performance(cpu: f64) -> PerformanceUpdate {
    PerformanceUpdate {
        timestamp: "2026-03-01T12:00:00Z".to_owned(),
        overall: OverallUsage {
            cpu,
            memory: 64.0,
            active_sessions: 1,
            cores: 4,
        },
        sessions: vec![SessionUsage {
            session_id: "abcdefgh".to_owned(),
            name: "build".to_owned(),
            metrics: Usage {
                cpu_percent: cpu,
                memory_mb: 64.0,
                response_ms: 12.0,
                disk_written: 4.5,
                ..Usage::default()
            },
        }],
    }
}

#[tokio::test]
async fn the_monitor_tells_what_its_document_shows() {
    let stage = Stage::set().await;
    let mut monitor = connect(&stage, "/monitor").await;
    let wish = json!({ "subscribe": ["performance", "health", "progress"], "interval": 200 });
    say(&mut monitor, wish).await;
    assert_eq!(hear(&mut monitor).await["type"], "subscribed");

    let events = stage.host.events();
    for cpu in [1.0, 2.0, 3.0] {
        events.publish(performance(cpu));
    }
    events.publish(HealthAlert {
        severity: Severity::Critical,
        component: Component::Disk,
        session_id: None,
        message: "the disk is full".to_owned(),
    });
    events.publish(ProgressUpdate {
        session_id: "abcdefgh".to_owned(),
        progress: 42.0,
        milestone: Some("linking".to_owned()),
        task_id: None,
    });

    let first = hear(&mut monitor).await;
    assert_eq!(first["type"], "performance.update");
    let told = &first["data"];
    assert_eq!(told["timestamp"], "2026-03-01T12:00:00Z");
    let overall = json!({ "cpu": 1.0, "memory": 64.0, "activeSessions": 1, "cores": 4 });
    assert_eq!(told["overall"], overall);
    let session = &told["sessions"][0];
    assert_eq!(session["sessionId"], "abcdefgh");
    for (metric, value) in [
        ("cpu", 1.0),
        ("memory", 64.0),
        ("responseTime", 12.0),
        ("diskWritten", 4.5),
    ] {
        assert_eq!(session["metrics"][metric], value, "{metric}");
    }
    let alert = hear(&mut monitor).await;
    assert_eq!(alert["type"], "health.alert");
    assert_eq!(
        alert["data"],
        json!({ "severity": "critical", "component": "disk", "message": "the disk is full" })
    );
    let progress = hear(&mut monitor).await;
    assert_eq!(progress["type"], "progress.update");
    assert_eq!(
        progress["data"],
        json!({ "sessionId": "abcdefgh", "progress": 42.0, "milestone": "linking" })
    );
    // Of the measurements that came within the interval the newest.
    assert_eq!(hear(&mut monitor).await["data"]["overall"]["cpu"], 3.0);
    stage.clear().await;
}

#[tokio::test]
async fn whoever_reads_too_slowly_is_told_which_events_are_gone() {
    const MANY: u64 = 60_000;
    let stage = Stage::set().await;
    let mut slow = connect(&stage, "/events").await;
    assert_eq!(hear(&mut slow).await["type"], "system.status");
    // More than the host keeps for anybody, while nobody reads.
    for number in 0..MANY {
        stage.host.events().publish(HealthAlert {
            severity: Severity::Warning,
            component: Component::Performance,
            session_id: None,
            message: format!("{number} {}", "x".repeat(1_000)),
        });
        if number % 1_000 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let (mut last, mut told, mut missed) = (0, 0, 0);
    while last < MANY {
        let message = hear(&mut slow).await;
        if message["type"] == "events.missed" {
            assert_eq!(message["data"]["first"], last + 1);
            missed += message["data"]["missed"].as_u64().expect("a number");
            last = message["data"]["last"].as_u64().expect("a number");
        } else {
            assert_eq!(message["sequence"], last + 1, "nothing is lost in silence");
            last += 1;
            told += 1;
        }
    }
    assert!(missed > 0 && told > 0, "{told} told, {missed} missed");
    assert_eq!(told + missed, MANY);
    stage.clear().await;
}

/// The measurement `benches/streams.rs` has the numbers of the requirements: a thousand
/// listeners, ten thousand events a second, a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fast_listeners_lose_nothing_beside_slow_and_dead_ones() {
    const FAST: usize = 100;
    const DEAD: usize = 20;
    const EVENTS: u64 = 3_000;
    let stage = Stage::set().await;
    let mut typing = Typing::begin(&stage.host).await;
    let mut dead = Vec::new();
    for _ in 0..DEAD {
        dead.push(Counter::connect(stage.address).await);
    }
    let mut fast = Vec::new();
    for _ in 0..FAST {
        fast.push(Counter::connect(stage.address).await);
    }
    let before = stage.host.events().last();
    let over = Arc::new(AtomicBool::new(false));
    let typed = tokio::spawn({
        let over = Arc::clone(&over);
        async move {
            let mut times = 0;
            while !over.load(Ordering::Relaxed) {
                typing.once().await;
                times += 1;
            }
            times
        }
    });
    let readers: Vec<_> = fast
        .into_iter()
        .map(|mut counter| {
            tokio::spawn(async move { counter.until(|| before + EVENTS, |_| ()).await })
        })
        .collect();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for number in 0..EVENTS {
        if number % 10 == 0 {
            ticks.tick().await;
        }
        stage.host.events().publish(HealthAlert {
            severity: Severity::Warning,
            component: Component::Performance,
            session_id: None,
            message: format!("{number} {}", "x".repeat(200)),
        });
    }
    for reader in readers {
        let Tally {
            told, missed, last, ..
        } = tokio::time::timeout(Duration::from_secs(120), reader)
            .await
            .expect("in time")
            .expect("a reader");
        assert_eq!(missed, 0, "of {EVENTS} events");
        // What else happens on the host comes as well.
        assert!(told >= EVENTS && last >= before + EVENTS, "{told} told");
    }
    over.store(true, Ordering::Relaxed);
    assert!(typed.await.expect("typing") > 0, "keys are seen meanwhile");
    stage.clear().await;
}
