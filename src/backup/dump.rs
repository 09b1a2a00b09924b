//! What PostgreSQL's own dump says as it's read back: the rows of each table, and what a backup is known by. Read line by
//! line, so that its length costs no memory.

use std::io::{self, BufRead};

use crate::domain::backup::{AuditHead, Contents};

/// Counts what a dump in words (`pg_restore --file=-`) holds.
pub(super) fn contents(mut dump: impl BufRead) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let mut line = Vec::new();
    let mut table: Option<Table> = None;
    while next(&mut dump, &mut line)? {
        match &mut table {
            None => {
                table = Table::begins(&line);
                if let Some(table) = &table {
                    contents.rows.insert(table.name.clone(), 0);
                }
            }
            Some(_) if line == b"\\." => table = None,
            Some(table) => {
                *contents.rows.entry(table.name.clone()).or_default() += 1;
                table.read(&line, &mut contents);
            }
        }
    }
    Ok(contents)
}

/// The next line, without its end.
fn next(dump: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    if dump.read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(true)
}

/// A table whose rows follow.
struct Table {
    name: String,
    columns: Vec<String>,
}

impl Table {
    /// `COPY public.audit (sequence, at, …) FROM stdin;`
    fn begins(line: &[u8]) -> Option<Table> {
        let line = std::str::from_utf8(line).ok()?;
        let rest = line.strip_prefix("COPY ")?.strip_suffix(" FROM stdin;")?;
        let (name, columns) = rest.split_once(" (")?;
        let bare = |name: &str| name.trim().trim_matches('"').to_owned();
        let name = bare(name.rsplit('.').next()?);
        let columns = columns.trim_end_matches(')').split(',').map(bare).collect();
        Some(Table { name, columns })
    }

    /// What a backup is known by. None of it has a character that a dump writes otherwise.
    fn read(&self, line: &[u8], contents: &mut Contents) {
        let of = |column: &str| {
            let place = self.columns.iter().position(|known| known == column)?;
            let value = line.split(|byte| *byte == b'\t').nth(place)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let number = |column: &str| of(column).and_then(|value| value.parse::<i64>().ok());
        match self.name.as_str() {
            "_sqlx_migrations" => {
                contents.schema = contents.schema.max(number("version").unwrap_or(0));
            }
            "meta" => match of("name").as_deref() {
                Some("record") => contents.record = of("value").unwrap_or_default(),
                Some("key") => contents.key = of("value").unwrap_or_default(),
                _ => {}
            },
            "audit" => {
                let last = contents.audit.as_ref().map_or(0, |head| head.sequence);
                let (sequence, hash) = (number("sequence").unwrap_or(0), of("hash"));
                if sequence > last {
                    let hash = hash.unwrap_or_default();
                    contents.audit = Some(AuditHead { sequence, hash });
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_and_the_rest_passed_over() {
        let dump = "--\nSET x = 1;\nCOPY public.meta (name, value) FROM stdin;\nrecord\tabc\nkey\tdef\nother\t\\N\n\\.\n\n\
                    COPY public.\"_sqlx_migrations\" (version, description) FROM stdin;\n1\tinitial\n31\tjoined\n\\.\n\
                    COPY public.audit (sequence, at, hash) FROM stdin;\n2\t9\tbb\n1\t8\taa\n\\.\n\
                    COPY public.visits (id) FROM stdin;\n\\.\nALTER TABLE x;\n";
        let found = contents(dump.as_bytes()).unwrap();
        assert_eq!((found.schema, found.record.as_str(), found.key.as_str()), (31, "abc", "def"));
        assert_eq!(found.rows["meta"], 3);
        assert_eq!(found.rows["visits"], 0);
        assert_eq!(found.total(), 7);
        assert_eq!(found.audit, Some(AuditHead { sequence: 2, hash: "bb".to_owned() }));
    }
}
