//! Parts of WebAssembly that this host leaves out, so that whoever built for them is told
//! what to do, and not only what the engine calls them.

/// What the engine says of a part, what the part is called, and how one does without it.
const LEFT_OUT: [(&str, &str, &str); 7] = [
    (
        "component model async",
        "asynchronous functions",
        "build it for WASI 0.2 (wasm32-wasip2), with bindings that are not asynchronous",
    ),
    (
        "threads must be enabled",
        "threads",
        "build it for one thread (without `-pthread`, without the target feature `atomics`)",
    ),
    (
        "exceptions proposal",
        "exceptions of WebAssembly",
        "build it without them (in C++ `-fno-exceptions`)",
    ),
    (
        "gc types",
        "garbage-collected types",
        "build it for linear memory, if its compiler can",
    ),
    (
        "wide arithmetic",
        "wide arithmetic",
        "build it without the target feature `wide-arithmetic`",
    ),
    (
        "defined memories count",
        "several memories in one module",
        "build it without the target feature `multimemory`, or as two components that are composed",
    ),
    (
        "minimum element size",
        "a table of more than 100,000 elements",
        "link fewer functions",
    ),
];

/// The part that the engine's `error` is about, and how one does without it.
pub(crate) fn left_out(error: &str) -> Option<(&'static str, &'static str)> {
    let found = LEFT_OUT.iter().find(|(said, ..)| error.contains(said));
    found.map(|(_, part, remedy)| (*part, *remedy))
}
