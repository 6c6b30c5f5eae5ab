//! What programs write, as far as the names of their flags tell: most call such a flag alike.

use crate::arguments::Arguments;
use crate::rules::Sources;
use crate::text::HOME;
use crate::walk::Field;

/// Whether a flag, whatever the program, says where what it makes is to go.
pub(crate) fn names_an_output(flag: &str) -> bool {
    let Some(name) = flag.strip_prefix("--") else {
        return false;
    };
    match name.as_bytes().first() {
        Some(b'o') => matches!(
            name,
            "out"
                | "output"
                | "outfile"
                | "outFile"
                | "out-file"
                | "outdir"
                | "outDir"
                | "out-dir"
                | "output-file"
                | "output-dir"
                | "output-directory"
                | "output-path"
                | "outputFile"
                | "outputDir"
                | "output_dir"
                | "output_file"
        ),
        Some(b't') => name == "target-dir",
        Some(b'd') => matches!(name, "dest-dir" | "declarationDir") || name.ends_with("_out"),
        // protoc: `--python_out`
        _ => name.ends_with("_out"),
    }
}

/// Flags, without their dashes, behind which many programs take a file or a folder
/// that they write.
const OUTPUTS: [&str; 58] = [
    "o",
    "out",
    "output",
    "junitxml",
    "junit-xml",
    "html",
    "html-report",
    "xml-file",
    "log",
    "log-file",
    "logfile",
    "Logfile",
    "logs-dir",
    "log-dir",
    "log_file",
    "cov-report",
    "cache-dir",
    "cpuprofile",
    "memprofile",
    "coverprofile",
    "trace-file",
    "artifact-dir",
    "results-directory",
    "resultBundlePath",
    "derivedDataPath",
    "reportsDirectory",
    "DreportsDirectory",
    "project-cache-dir",
    "gradle-user-home",
    "build-path",
    "scratch-path",
    "femit-bin",
    "extract-media",
    "debugfile",
    "dumpdir",
    "MF",
    "save-cookies",
    "cookie-jar",
    "dump-header",
    "pack-destination",
    "cpu-prof-dir",
    "heap-prof-dir",
    "redirect-warnings",
    "report-directory",
    "diagnostic-dir",
    "output-directory",
    "output_base",
    "one-top-level",
    "DbuildDirectory",
    "PbuildDir",
    "profile-output",
    "report-file",
    "outfile",
    "outdir",
    "aux-directory",
    "dump",
    "site-dir",
    "build-dir",
];

/// What stands before `=` in the values of flags where a file or a folder is written.
const OUTPUT_KEYS: [&str; 10] = [
    "LogFile",
    "LogFileName",
    "LogFilePrefix",
    "LogFilePath",
    "OutputPath",
    "OutDir",
    "PublishDir",
    "CoverletOutput",
    "PackageOutputPath",
    "BaseOutputPath",
];

/// Programs whose `-o` is a switch, or takes no file.
const O_IS_NO_FILE: [&str; 51] = [
    "7z",
    "7za",
    "7zz",
    "7zr",
    "gdbus",
    "busctl",
    "dbus-send",
    "grep",
    "egrep",
    "fgrep",
    "zgrep",
    "bzgrep",
    "xzgrep",
    "rg",
    "ag",
    "ack",
    "ugrep",
    "git",
    "ls",
    "exa",
    "eza",
    "test",
    "[",
    "[[",
    "set",
    "lsof",
    "pgrep",
    "pkill",
    "mount",
    "ps",
    "ssh",
    "scp",
    "sftp",
    "find",
    "gfind",
    "unzip",
    "od",
    "nm",
    "strings",
    "uname",
    "rsync",
    "cp",
    "id",
    "jest",
    "docker",
    "podman",
    "bash",
    "sh",
    "zsh",
    "xclip",
    "stat",
];

/// The files that flags name which most programs would write, where they are absolute:
/// what is relative belongs to the project.
pub(crate) fn outputs_elsewhere(program: &str, fields: &[Field]) -> Vec<Field> {
    let mut found = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let Some(flag) = field.text.strip_prefix('-') else {
            continue;
        };
        let flag = flag.strip_prefix('-').unwrap_or(flag);
        let (flag, value) = match flag.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => match flag.strip_prefix(['o', 'O']) {
                // `-o/home/x`
                Some(value) if value.starts_with(['/', HOME]) => ("o", Some(value)),
                _ => (flag, None),
            },
        };
        let value = value.or_else(|| fields.get(at + 1).map(|next| next.text.as_str()));
        // `--cov-report=html:FILE`
        let value = value.map(|value| match value.split_once(':') {
            Some((kind, file)) if kind.bytes().all(|it| it.is_ascii_lowercase()) => file,
            _ => value,
        });
        // `--logger 'trx;LogFileName=FILE'`, `-flp:logfile=FILE`
        let whole = field.text.as_str();
        for setting in [Some(whole), value]
            .into_iter()
            .flatten()
            .filter(|it| it.contains('='))
        {
            for (key, file) in setting
                .split([';', ',', ':'])
                .filter_map(|it| it.split_once('='))
            {
                let key = key.trim_start_matches('-');
                if file.starts_with(['/', HOME])
                    && (OUTPUT_KEYS.iter()).any(|it| key.eq_ignore_ascii_case(it))
                {
                    found.push(Field::new(file.to_owned(), Sources::NONE, field.span));
                }
            }
        }
        // Few flags have such a value: their names are looked up last.
        let Some(value) = value.filter(|value| value.starts_with(['/', HOME])) else {
            continue;
        };
        if OUTPUTS.contains(&flag) && !(flag == "o" && O_IS_NO_FILE.contains(&program)) {
            found.push(Field::new(value.to_owned(), Sources::NONE, field.span));
        }
    }
    found
}

/// The archive that a command makes: `tar cf FILE`, `7z a FILE`.
pub(crate) fn archive(program: &str, arguments: &Arguments<'_>) -> Option<Field> {
    let letters = |wanted: &[char]| {
        let first = arguments.all.first()?;
        let letters = first.text.trim_start_matches('-');
        let clustered = !first.text.starts_with("--")
            && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && letters.ends_with('f');
        (clustered && letters.contains(wanted)).then(|| arguments.all.get(1).cloned())?
    };
    match program {
        "tar" | "gtar" | "bsdtar" => letters(&['c', 'r', 'u']).or_else(|| {
            let makes = arguments.has_flag("-c|--create|-r|--append|-u|--update");
            let file = arguments.values_of(&["-f", "--file"]).next()?;
            let span = arguments.all.first()?.span;
            makes.then(|| Field::new(file.to_owned(), Sources::NONE, span))
        }),
        "jar" => letters(&['c', 'u']),
        "7z" | "7za" | "7zz" | "7zr" | "ar" => {
            let mut operands = arguments.operands();
            let command = operands.next()?.text.as_str();
            let makes =
                matches!(command, "a" | "u") || program == "ar" && command.contains(['r', 'q']);
            operands.next().filter(|_| makes).cloned()
        }
        _ => None,
    }
}
