//! `python -m MODULE`: the program that a module is, or the script that it runs.

use super::invoke::Invocation;
use super::redirects::Redirected;
use super::{Context, Field, Walk};

/// Modules that run a script which they are given.
const RUN_SCRIPTS: [&str; 11] = [
    "trace",
    "cProfile",
    "profile",
    "pdb",
    "runpy",
    "doctest",
    "viztracer",
    "memory_profiler",
    "kernprof",
    "pyinstrument",
    "line_profiler",
];

impl Walk<'_> {
    /// Judges what a module of Python does as the program that does the same.
    pub(super) fn module_of_python(
        &mut self,
        python: &str,
        fields: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) {
        let Some((module, rest)) = module_in(fields) else {
            return;
        };
        let span = invocation.span;
        let words = |words: &[&str]| -> Vec<Field> {
            words.iter().map(|word| super::field(*word, span)).collect()
        };
        let texts: Vec<&str> = rest.iter().map(|field| field.text.as_str()).collect();
        let mut inner = match (module, texts.as_slice()) {
            ("timeit", texts) => {
                // Its flags are followed by numbers, apart from one.
                let code = texts.iter().filter(|text| !text.starts_with('-'));
                let code: Vec<&str> = code.copied().collect();
                words(&[python, "-c", &code.join("\n")])
            }
            ("asyncio", []) if context.input.piped => words(&[python, "-"]),
            ("zipfile" | "tarfile", ["-e" | "--extract", archive, folder]) => {
                words(&["tar", "-xf", archive, "-C", folder])
            }
            ("json.tool", [.., from, to]) if !from.starts_with('-') && !to.starts_with('-') => {
                words(&["cp", from, to])
            }
            (module, _) if RUN_SCRIPTS.contains(&module) => {
                let script = rest.iter().position(|field| {
                    !field.text.starts_with('-') && field.text.contains(['.', '/'])
                });
                let Some(script) = script else { return };
                let mut inner = words(&[python]);
                inner.extend_from_slice(&rest[script..]);
                inner
            }
            (module, _) => {
                let program = match module.split('.').next().unwrap_or(module) {
                    "venv" => "virtualenv".to_owned(),
                    "awscli" => "aws".to_owned(),
                    module => module.replace('_', "-"),
                };
                if !self.rules.knows(&program) {
                    return;
                }
                let mut inner = words(&[&program]);
                inner.extend_from_slice(rest);
                inner
            }
        };
        for field in &mut inner {
            field.span = span;
        }
        let redirected = Redirected::default();
        let invocation = Invocation {
            fields: &inner,
            redirected: &redirected,
            assigns: invocation.assigns,
            span,
        };
        self.invoke(&invocation, &super::deeper(context));
    }
}

/// The module that Python is to run, and what follows it.
fn module_in(fields: &[Field]) -> Option<(&str, &[Field])> {
    for (at, field) in fields.iter().enumerate() {
        let text = field.text.as_str();
        if !text.starts_with('-') || text.starts_with("--") {
            return None;
        }
        if let Some((flags, module)) = text[1..].split_once('m')
            && flags.bytes().all(|flag| b"bBdEiIOPqRsSuv".contains(&flag))
        {
            return match module {
                "" => Some((fields.get(at + 1)?.text.as_str(), &fields[at + 2..])),
                module => Some((module, &fields[at + 1..])),
            };
        }
        if text.contains('c') {
            return None;
        }
    }
    None
}
