//! Tables for spreadsheets (RFC 4180).

use axum::body::Body;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};

/// The largest table of one answer, in bytes. Less than the control plane may answer with.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;

/// Writes a row.
pub(super) fn write_row(table: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    table.push_str(&cells.join(","));
    table.push_str("\r\n");
}

/// Answers with a table, as a file of that name, which nobody keeps.
pub(super) fn answer(table: String, name: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(table));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    headers.extend(disposition.ok().map(|disposition| (CONTENT_DISPOSITION, disposition)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Writes a cell. A spreadsheet takes what begins with one of these characters for a formula: an apostrophe makes it a text.
fn quoted(cell: &str) -> String {
    let is_formula = cell.trim_start().starts_with(['=', '+', '-', '@']) || cell.starts_with(['\t', '\r', '\n']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_no_cell_that_a_spreadsheet_takes_for_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n@x"] {
            assert_eq!(quoted(cell), format!("\"'{cell}\""));
        }
        assert_eq!(quoted("a=b"), "\"a=b\"");
        assert_eq!(quoted("say \"hi\", twice"), "\"say \"\"hi\"\", twice\"");
    }

    #[test]
    fn answers_with_a_file() {
        let mut table = String::new();
        write_row(&mut table, &["a".to_owned(), "b\"".to_owned()]);
        assert_eq!(table, "\"a\",\"b\"\"\"\r\n");
        let answer = answer(table, "table.csv");
        assert_eq!(answer.headers()[CONTENT_DISPOSITION], "attachment; filename=\"table.csv\"");
    }
}
