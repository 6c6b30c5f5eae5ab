//! A policy that takes its time holds up nobody else.

mod support;

use std::time::{Duration, Instant};

use quarterdeck_policy::Tier;
use support::{Plan, component, component_of, inline_package, puppet};

/// An approver whose `configure` never returns.
fn endless() -> Vec<u8> {
    component(
        "approver",
        r#"(module
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192))
        (func (export "quarterdeck:policy/configuration@0.1.0#configure")
            (param i32 i32) (result i32)
            (loop $ever (br $ever))
            (i32.const 512))
        (func (export "quarterdeck:policy/approve@0.1.0#review") (param i32) (result i32)
            (i32.const 1024)))"#,
    )
}

/// An approver that sleeps for an hour before it answers, unless it is asked about `ls`.
fn sleeper() -> Vec<u8> {
    let (resolve, package) = inline_package(
        "package test:sleeper;
        package wasi:io@0.2.0 {
            interface poll { resource pollable { block: func(); } }
        }
        package wasi:clocks@0.2.0 {
            interface monotonic-clock {
                use wasi:io/poll@0.2.0.{pollable};
                subscribe-duration: func(when: u64) -> pollable;
            }
        }
        world sleeper {
            import wasi:clocks/monotonic-clock@0.2.0;
            include quarterdeck:policy/approver@0.1.0;
        }",
    );
    let wat = r#"(module
        (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
            (func $after (param i64) (result i32)))
        (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
        (memory (export "memory") 1)
        (global $free (mut i32) (i32.const 8192))
        (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
            (local $at i32)
            (local.set $at (global.get $free))
            (global.set $free
                (i32.and (i32.add (local.get $at) (i32.add (local.get $size) (i32.const 7)))
                    (i32.const -8)))
            (local.get $at))
        (func (export "quarterdeck:policy/configuration@0.1.0#configure")
            (param i32 i32) (result i32) (i32.const 512))
        (func (export "quarterdeck:policy/approve@0.1.0#review") (param $request i32) (result i32)
            (if (i32.gt_u (i32.load offset=4 (local.get $request)) (i32.const 2))
                (then (call $block (call $after (i64.const 3600000000000)))))
            (i32.const 1024)))"#;
    component_of(resolve, package, "sleeper", wat::parse_str(wat).unwrap())
}

#[tokio::test]
async fn a_rule_does_not_wait_for_a_policy_that_never_comes_to_an_end() {
    let quarters = Plan::with_base().settle().await;
    for name in ["a1", "a2", "a3"] {
        quarters.put(&format!("{name}.toml"), b"mode = \"shadow\"");
        quarters.rename_in(&format!("{name}.wasm"), &endless());
    }
    quarters.rename_in("rule.wasm", &puppet(2, "in force"));
    quarters.until_reason("in force").await;
    assert_eq!(quarters.reports(), Vec::<String>::new());
    for name in ["a1", "a2", "a3"] {
        let why = format!("{name}.wasm: `configure` ran past its deadline of 1000 ms");
        quarters.until_problem(&why).await;
    }
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_load() {
    let quarters = Plan::with_base().settle().await;
    quarters.rename_in("endless.wasm", &endless());
    quarters.rename_in("rule.wasm", &puppet(2, "in force"));
    quarters.until_reason("in force").await;
    quarters.host.shutdown().await;
    assert_eq!(quarters.reports(), Vec::<String>::new());
}

#[tokio::test]
async fn a_policy_that_sleeps_is_ended_at_its_deadline() {
    let quarters = Plan {
        files: vec![("sleeper.wasm", sleeper())],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let awake = quarters.review("ls").await.verdict;
    assert_eq!(awake.tier, Tier::Safe, "{awake:?}");
    let start = Instant::now();
    let verdict = quarters.review("sleep").await.verdict;
    assert_eq!(
        verdict.rule.as_deref(),
        Some("host/deadline"),
        "{verdict:?}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}
