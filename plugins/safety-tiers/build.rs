//! Compiles `rules/*.toml` into Rust tables, so that a fresh instance of the
//! component has nothing to parse.

#[path = "src/names.rs"]
mod names;
#[path = "src/pack.rs"]
#[allow(
    dead_code,
    reason = "the component reads the fields that are not used here"
)]
mod pack;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use pack::{ProgramEntry, RuleEntry};
use serde::Deserialize;

/// One file of `rules/`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Pack {
    /// How to read the command lines of some programs.
    #[serde(rename = "program")]
    programs: Vec<ProgramEntry>,
    /// Of the rules for one program the first that matches decides; those for
    /// `*` are asked besides, and the strictest answer counts.
    #[serde(rename = "rule")]
    rules: Vec<RuleEntry>,
    /// Names for several programs: `@name` in a rule's `programs`.
    groups: BTreeMap<String, Vec<String>>,
}

/// The group of programs that find files of the project by themselves, and run what is
/// in them.
const FINDS_FILES: &str = "finds-files";

/// The group of programs that take commands, or code that may start some, among their
/// options.
const TAKES_COMMANDS: &str = "takes-commands";

fn main() {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=src/pack.rs");
    println!("cargo::rerun-if-changed=src/names.rs");

    let mut files: Vec<PathBuf> = fs::read_dir("rules")
        .expect("the folder `rules` is beside build.rs")
        .map(|entry| entry.expect("`rules` can be listed").path())
        .collect();
    files.sort();

    let mut programs = Vec::new();
    let mut rules = Vec::new();
    let mut groups = BTreeMap::new();
    for file in &files {
        let pack = read(file);
        programs.extend(pack.programs);
        rules.extend(pack.rules);
        groups.extend(pack.groups);
    }
    for program in &mut programs {
        program.names = members(&groups, &program.names);
    }
    for rule in &mut rules {
        rule.programs = members(&groups, &rule.programs);
    }
    // What holds for a program in general is asked last, wherever it stands.
    rules.sort_by_key(RuleEntry::is_default);

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut tables = tables(&programs, &rules);
    for group in [FINDS_FILES, TAKES_COMMANDS] {
        let mut names = groups.remove(group).unwrap_or_default();
        names.sort();
        let name = group.replace('-', "_").to_uppercase();
        tables.push_str(&format!(
            "pub(crate) static {name}: &[&str] = &{names:?};\n"
        ));
    }
    fs::write(out.join("tables.rs"), tables).expect("OUT_DIR is writable");
}

/// The names with each group replaced by its members.
fn members(groups: &BTreeMap<String, Vec<String>>, names: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for name in names {
        match name.strip_prefix('@').filter(|group| !group.is_empty()) {
            Some(group) => all.extend_from_slice(
                groups
                    .get(group)
                    .unwrap_or_else(|| panic!("there is no group `{group}`")),
            ),
            None => all.push(name.clone()),
        }
    }
    all
}

fn read(file: &Path) -> Pack {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let pack: Pack =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for rule in &pack.rules {
        assert!(
            !rule.id.is_empty() && !rule.programs.is_empty() && !rule.reason.is_empty(),
            "{}: a rule needs an id, programs and a reason: {:?}",
            file.display(),
            rule.id
        );
        if let Some(pattern) = rule.pattern_with_set() {
            panic!(
                "{}: `{}`: patterns know `*` and `?`, but no sets as in `{pattern}`",
                file.display(),
                rule.id
            );
        }
        let upper = |pattern: &&String| pattern.contains(|c: char| c.is_ascii_uppercase());
        let statements = rule.statement.iter().chain(&rule.statement_without);
        if let Some(pattern) = statements.into_iter().find(upper) {
            panic!(
                "{}: `{}`: statements are held against in lower case, which `{pattern}` is not",
                file.display(),
                rule.id
            );
        }
    }
    pack
}

fn tables(programs: &[ProgramEntry], rules: &[RuleEntry]) -> String {
    // By the names of programs: how to read it, and the rules in their order.
    let mut programs_by_name: BTreeMap<&str, (Option<usize>, Vec<usize>)> = BTreeMap::new();
    let mut patterns = Vec::new();
    let mut everywhere = Vec::new();
    for (index, program) in programs.iter().enumerate() {
        for name in &program.names {
            let entry = programs_by_name.entry(name).or_default();
            assert!(entry.0.is_none(), "program `{name}` is described twice");
            entry.0 = Some(index);
        }
    }
    for (index, rule) in rules.iter().enumerate() {
        for name in &rule.programs {
            if name == "*" {
                everywhere.push(index);
            } else if name.contains('*') {
                patterns.push((name, index));
            } else {
                let listed = &mut programs_by_name.entry(name).or_default().1;
                if listed.last() != Some(&index) {
                    listed.push(index);
                }
            }
        }
    }

    let mut code = String::new();
    let mut line = |text: String| {
        code.push_str(&text);
        code.push('\n');
    };
    line("pub(crate) static PROGRAMS: &[Program] = &[".to_owned());
    for program in programs {
        line(program_code(program));
    }
    line("];".to_owned());
    line("pub(crate) static RULES: &[Rule] = &[".to_owned());
    for rule in rules {
        line(rule_code(rule));
    }
    line("];".to_owned());
    line(format!(
        "pub(crate) static NAME_SLOTS: [u16; {}] = {:?};",
        names::SLOTS,
        slots(programs_by_name.keys())
    ));
    line("pub(crate) static NAMES: &[(&str, Option<u16>, &[u16])] = &[".to_owned());
    for (name, (program, rules)) in programs_by_name {
        line(format!("({name:?}, {program:?}, &{rules:?}),"));
    }
    line("];".to_owned());
    line(format!(
        "pub(crate) static NAME_PATTERNS: &[(&str, u16)] = &{patterns:?};"
    ));
    line(format!(
        "pub(crate) static EVERYWHERE: &[u16] = &{everywhere:?};"
    ));
    line(format!(
        "/// Long flags that some rule or program names in full.\n\
         pub(crate) static LONG_FLAGS: &[&str] = &{:?};",
        long_flags(programs, rules).into_iter().collect::<Vec<_>>()
    ));
    code
}

/// The long flags that are written out somewhere: none of them shortens another.
fn long_flags<'a>(programs: &'a [ProgramEntry], rules: &'a [RuleEntry]) -> BTreeSet<&'a str> {
    let of_programs = programs
        .iter()
        .flat_map(|program| program.value_flags.iter().chain(&program.line_flags))
        .map(String::as_str);
    let of_rules = rules
        .iter()
        .flat_map(|rule| rule.flags.iter().chain(&rule.without))
        .flat_map(|flag| pack::spellings(flag).map(|(name, _)| name));
    of_programs
        .chain(of_rules)
        .filter(|flag| flag.starts_with("--"))
        .collect()
}

/// For every place the number of the name that stands there.
fn slots<'a>(sorted: impl Iterator<Item = &'a &'a str>) -> Vec<u16> {
    let mut slots = vec![names::EMPTY_SLOT; names::SLOTS];
    for (number, name) in sorted.enumerate() {
        let mut slot = names::slot(name);
        while slots[slot] != names::EMPTY_SLOT {
            slot = (slot + 1) % names::SLOTS;
        }
        slots[slot] = u16::try_from(number).expect("there are fewer names");
    }
    slots
}

fn program_code(program: &ProgramEntry) -> String {
    format!(
        "Program {{ value_flags: &{:?}, single_dash: {}, gnu: {}, shell: {}, runs_after: {:?}, \
         assignments: {}, joined: {}, lines: {}, runs_in: &{:?}, runs_project: {}, line_flags: &{:?}, code_flags: &{:?}, code_operand: {:?}, code_in: &{:?}, code_files_in: &{:?}, editor_flags: &{:?}, \
         text_first: &{:?}, reads_code: {}, \
         writes: Writes::{:?}, writes_with: {:?}, write_flags: &{:?}, gives: {} }},",
        program.value_flags,
        program.single_dash,
        program.gnu,
        program.shell,
        program.runs_after,
        program.assignments,
        program.joined,
        program.lines,
        program.runs_in,
        program.runs_project,
        program.line_flags,
        program.code_flags,
        program.code_operand,
        program.code_in,
        program.code_files_in,
        program.editor_flags,
        program.text_first,
        program.reads_code,
        program.writes,
        program.writes_with,
        program.write_flags,
        sources(&program.gives),
    )
}

fn rule_code(rule: &RuleEntry) -> String {
    format!(
        "Rule {{ id: {:?}, except: &{:?}, subcommands: &{:?}, asks_to_look: {}, flags: {}, without: {}, operands: {}, \
         all_operands: {}, leading: {}, leading_operand: {}, script_unseen: {}, operands_from: {}, bare: {}, left_open: {}, arguments: {}, arguments_with: {}, to_screen: {}, folder: {}, writes: {}, reads: {}, assigns: &{:?}, defines: &{:?}, from: {}, \
         code: &{:?}, code_with: &{:?}, code_without: &{:?}, code_unresolved: {}, statement: &{:?}, statement_without: &{:?}, tier: Tier::{:?}, \
         in_production: {}, reason: {:?}, suggestion: {:?}, gives: {} }},",
        rule.id,
        rule.except,
        rule.subcommands,
        rule.asks_to_look,
        spellings(&rule.flags),
        spellings(&rule.without),
        patterns(&rule.operands),
        patterns(&rule.all_operands),
        patterns(&rule.leading),
        patterns(&rule.leading_operand),
        rule.script_unseen,
        sources(&rule.operands_from),
        rule.bare,
        rule.left_open,
        patterns(&rule.arguments),
        patterns(&rule.arguments_with),
        rule.to_screen,
        patterns(&rule.folder),
        patterns(&rule.writes),
        patterns(&rule.reads),
        rule.assigns,
        rule.defines,
        sources(&rule.from),
        rule.code,
        rule.code_with,
        rule.code_without,
        rule.code_unresolved,
        rule.statement,
        rule.statement_without,
        rule.tier,
        rule.in_production
            .map_or("None".to_owned(), |tier| format!("Some(Tier::{tier:?})")),
        rule.reason,
        rule.suggestion,
        sources(&rule.gives),
    )
}

fn patterns(words: &[String]) -> String {
    let mut code = "&[".to_owned();
    for word in words {
        match word.strip_prefix('@') {
            // `@@FILE`: an argument that begins so.
            Some(text) if text.starts_with('@') => write!(code, "Pattern::Text({text:?}), "),
            Some(place) => write!(code, "Pattern::Place(Places::{}), ", place.to_uppercase()),
            None => write!(code, "Pattern::Text({word:?}), "),
        }
        .expect("a string takes all that is written");
    }
    code + "]"
}

/// Flags with their spellings taken apart.
fn spellings(flags: &[String]) -> String {
    let mut code = "&[".to_owned();
    for flag in flags {
        code.push_str("&[");
        for (name, value) in pack::spellings(flag) {
            write!(code, "Spelling {{ name: {name:?}, value: {value:?} }}, ")
                .expect("a string takes all that is written");
        }
        code.push_str("], ");
    }
    code + "]"
}

fn sources(words: &[String]) -> String {
    words.iter().fold("Sources::NONE".to_owned(), |code, word| {
        format!("{code}.and(Sources::{})", word.to_uppercase())
    })
}
