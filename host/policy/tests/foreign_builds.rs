//! Components of unusual build run, or are refused with a sentence that says what to do.

mod support;

use quarterdeck_policy::{Tier, Workbench};
use support::{component_of, inline_package, policy_package, request};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// What every approver exports, with a memory; it says `safe`.
const APPROVER: &str = r#"
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192))
    (func (export "quarterdeck:policy/configuration@0.1.0#configure")
        (param i32 i32) (result i32) (i32.const 512))
    (func (export "quarterdeck:policy/approve@0.1.0#review")
        (param i32) (result i32) (i32.const 1024))"#;

/// `Ok` where it rules, else why it is refused.
async fn tried(wasm: Vec<u8>) -> Result<(), String> {
    let workbench = Workbench::new(None).unwrap();
    let opened = workbench.open_bytes("foreign", wasm, None).await;
    let policy = opened.map_err(|error| error.to_string())?;
    let verdict = policy.review(&request("ls")).await.unwrap();
    assert_eq!(verdict.tier, Tier::Safe, "{}", verdict.reason);
    Ok(())
}

/// An approver whose module holds `more`, and whose texts are UTF-16 as C#'s are.
fn module_with(more: &str) -> Vec<u8> {
    let (resolve, package) = policy_package();
    let world = resolve.select_world(&[package], Some("approver")).unwrap();
    let mut module = wat::parse_str(format!("(module {APPROVER} {more})")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF16, false).unwrap();
    // What this host leaves out may be valid elsewhere.
    ComponentEncoder::default()
        .validate(false)
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}

/// An approver that calls a function of WASI, of this version.
fn of_wasi(package: &str, interface: &str, version: &str, function: (&str, &str)) -> Vec<u8> {
    let name = format!("{package}/{interface}@{version}");
    let (wit, wat) = function;
    let (resolve, id) = inline_package(&format!(
        "package test:foreign;
        package {package}@{version} {{ interface {interface} {{ {wit} }} }}
        world foreign {{ import {name}; include quarterdeck:policy/approver@0.1.0; }}"
    ));
    let wat = wat.replace("NAME", &name);
    let module = wat::parse_str(format!("(module {wat} {APPROVER})")).unwrap();
    component_of(resolve, id, "foreign", module)
}

const RANDOM: (&str, &str) = (
    "get-random-u64: func() -> u64;",
    r#"(import "NAME" "get-random-u64" (func (result i64)))"#,
);
const ENVIRONMENT: (&str, &str) = (
    "get-environment: func() -> list<tuple<string, string>>;",
    r#"(import "NAME" "get-environment" (func (param i32)))"#,
);

#[tokio::test]
async fn every_wasi_0_2_is_there_and_no_other() {
    for version in ["0.2.0", "0.2.3", "0.2.6", "0.2.12", "0.2.99"] {
        for wasm in [
            of_wasi("wasi:random", "random", version, RANDOM),
            of_wasi("wasi:cli", "environment", version, ENVIRONMENT),
        ] {
            tried(wasm).await.unwrap();
        }
    }
    for version in ["0.1.0", "0.2.0-rc-2023-11-10", "0.3.0", "1.0.0"] {
        let wasm = of_wasi("wasi:random", "random", version, RANDOM);
        let refused = tried(wasm).await.unwrap_err();
        let named = format!("may not import `wasi:random/random@{version}`: the host has WASI 0.2");
        assert!(refused.contains(&named), "{refused}");
    }
    for package in ["wasi:logging", "wasi:keyvalue", "wasi:http"] {
        let function = ("f: func();", r#"(import "NAME" "f" (func))"#);
        let wasm = of_wasi(package, "some", "0.2.6", function);
        let refused = tried(wasm).await.unwrap_err();
        assert!(refused.contains("an approver may not import"), "{refused}");
    }
}

#[tokio::test]
async fn what_compilers_use_of_webassembly_runs() {
    for more in [
        r#"(func (result i32) (i32x4.extract_lane 0 (v128.const i32x4 1 2 3 4)))"#,
        r#"(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))"#,
        r#"(func $again (return_call $again))"#,
        r#"(type $f (func)) (func (param (ref null $f)) (call_ref $f (local.get 0)))"#,
        r#"(global i32 (i32.add (i32.const 1) (i32.const 2)))"#,
        r#"(func (result i32 i64) (i32.const 1) (i64.const 2))"#,
    ] {
        let run = tried(module_with(more)).await;
        run.unwrap_or_else(|refused| panic!("{more}: {refused}"));
    }
}

#[tokio::test]
async fn what_is_left_out_of_webassembly_is_named_with_a_way_round() {
    for (more, named) in [
        (r#"(memory $b 1)"#, "several memories in one module"),
        (
            r#"(memory $b 1 2 shared)"#,
            "it uses threads, which policies are run without",
        ),
        (r#"(tag $t) (func (throw $t))"#, "-fno-exceptions"),
        (
            r#"(type $s (struct (field i32)))"#,
            "garbage-collected types",
        ),
        (r#"(table 200000 funcref)"#, "100,000 elements"),
        (
            r#"(func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 2)))"#,
            "`wide-arithmetic`",
        ),
    ] {
        let refused = tried(module_with(more)).await.unwrap_err();
        assert!(refused.contains(named), "{more}: {refused}");
    }
    // One more canonical function, `context.get`, as bindings of asynchronous functions
    // have it.
    let asynchronous = [&module_with("")[..], b"\x08\x04\x01\x0a\x7f\x00"].concat();
    let refused = tried(asynchronous).await.unwrap_err();
    assert!(
        refused.contains("it uses asynchronous functions"),
        "{refused}"
    );
}

/// The runtime of Go ends where the clock is at 0, before any of the policy's own code.
#[tokio::test]
async fn the_clock_stands_still_but_not_at_zero() {
    let now = r#"(import "NAME" "now" (func $now (result i64)))
        (func $begin (if (i64.eqz (call $now)) (then (unreachable))))
        (start $begin)"#;
    let function = ("now: func() -> u64;", now);
    let wasm = of_wasi("wasi:clocks", "monotonic-clock", "0.2.6", function);
    tried(wasm).await.unwrap();
}
