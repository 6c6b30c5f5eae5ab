//! The statements that code in another language sends to a database.

use super::Walk;
use crate::verdict::Span;

/// Calls whose first argument is a statement.
const CALLS: [&str; 15] = [
    "execute(",
    "executemany(",
    "executescript(",
    "exec_driver_sql(",
    "execute_sql(",
    "executeRawUnsafe(",
    "queryRawUnsafe(",
    "query(",
    ".raw(",
    ".sql(",
    "read_sql(",
    "text(",
    "prepare(",
    "->exec(",
    "select_all(",
];

/// How far behind the call its statement may begin: `(text("`, `($db, "`.
const BEFORE_THE_STATEMENT: usize = 32;

impl Walk<'_> {
    /// Judges them by the rules for databases. What they change is the
    /// program's own business; only danger counts.
    pub(super) fn queries(&mut self, code: &str, span: Span) {
        for query in queries(code).take(16) {
            self.only_danger(|walk| walk.statements_of("psql", query, span));
        }
    }
}

fn queries(code: &str) -> impl Iterator<Item = &str> {
    CALLS.iter().flat_map(move |call| {
        code.match_indices(call)
            .filter_map(|(at, call)| literal_in(&code[at + call.len()..]))
    })
}

/// The first string of a call, however many quotes stand around it.
fn literal_in(arguments: &str) -> Option<&str> {
    let start = arguments.find(['"', '\'', '`', ')', '\n'])?;
    if start > BEFORE_THE_STATEMENT {
        return None;
    }
    let rest = &arguments[start..];
    let quote = ["\"\"\"", "'''", "\"", "'", "`"]
        .into_iter()
        .find(|quote| rest.starts_with(quote))?;
    let inside = &rest[quote.len()..];
    inside.find(quote).map(|end| &inside[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_string_of_a_call_is_its_statement() {
        for (code, found) in [
            ("cur.execute('drop table x')", &["drop table x"][..]),
            ("cur.execute(\"\"\"select 1\n\"\"\")", &["select 1\n"]),
            ("await db.query(`truncate x`)", &["truncate x"]),
            ("mysqli_query($db, \"select 1\")", &["select 1"]),
            ("cur.execute(statement)", &[]),
            ("print('drop table x')", &[]),
        ] {
            assert_eq!(queries(code).collect::<Vec<_>>(), found, "{code}");
        }
    }
}
