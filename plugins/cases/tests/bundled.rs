//! Each bundled policy, as it is committed, on its case file.

use std::fs;
use std::path::Path;

use policy_cases::CaseFile;
use policy_cases::component::ComponentPolicy;

/// Those that have a case file; the approver has a corpus of its own.
const POLICIES: [&str; 15] = [
    "round-robin",
    "load-balanced",
    "priority",
    "dependency",
    "generic",
    "cargo",
    "npm",
    "pytest",
    "make-ninja",
    "docker",
    "downloads",
    "restart",
    "reset",
    "failover",
    "graceful",
];

#[test]
fn every_bundled_policy_answers_its_cases() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut told = String::new();
    for name in POLICIES {
        let file = CaseFile::read(&plugins.join(name).join("tests/cases.toml")).unwrap();
        assert!(!file.cases().is_empty(), "{name} has no cases");
        let bytes = fs::read(plugins.join(format!("dist/{name}.wasm"))).unwrap();
        let mut policy = ComponentPolicy::new(file.kind(), &bytes).unwrap();
        for failure in file.failures(&mut policy) {
            told.push_str(&format!("{name}: {failure}\n"));
        }
    }
    assert!(told.is_empty(), "{told}");
}
