//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    // A program at a fixed address starts in half the time: nothing in it is relocated,
    // and `quarterdeck hook` is started for each command of an agent. What that gives
    // up stands in docs/decisions/doors.md.
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
