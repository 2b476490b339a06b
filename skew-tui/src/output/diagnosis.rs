//! What a diagnosis found: as lines for people, and as one line of JSON.

use std::fmt::Write;

use serde::Serialize;
use skew_proto::text;

use crate::doctor::{Finding, Severity};

/// Version of the object's shape.
const SCHEMA: u32 = 1;

/// Characters of a text from outside that are shown.
const SHOWN_CHARS: usize = 400;

/// The findings as one object of JSON.
pub(crate) fn diagnosis_line(site: &str, findings: &[Finding]) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Diagnosis<'a> {
        schema: u32,
        #[serde(rename = "type")]
        kind: &'static str,
        site: &'a str,
        ok: bool,
        findings: &'a [Finding],
    }
    let ok = count(findings, Severity::Problem) == 0;
    text::json_line(&Diagnosis { schema: SCHEMA, kind: "doctor", site, ok, findings })
}

/// The findings as text: a line for each, what to do below it, and a summary. Each begins with a word for how much it matters.
pub(crate) fn diagnosis(site: &str, findings: &[Finding]) -> String {
    let mut out = format!("{}\n", text::clean(site));
    for finding in findings {
        let mark = match finding.severity {
            Severity::Ok => "ok",
            Severity::Note => "note",
            Severity::Warning => "warn",
            Severity::Problem => "FAIL",
        };
        let evidence = text::cut(&finding.evidence, SHOWN_CHARS);
        // Writing to a String can't fail.
        let _ = writeln!(out, "{mark:<4}  {:<22}  {}: {evidence}", finding.id.name(), finding.title);
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(out, "      -> {}", text::cut(remedy, SHOWN_CHARS));
        }
    }
    let _ = match (count(findings, Severity::Problem), count(findings, Severity::Warning)) {
        (0, 0) => write!(out, "no problems"),
        (0, warnings) => write!(out, "no problems, {}", counted(warnings, "warning")),
        (problems, 0) => write!(out, "{}", counted(problems, "problem")),
        (problems, warnings) => write!(out, "{}, {}", counted(problems, "problem"), counted(warnings, "warning")),
    };
    out
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Id;

    fn finding(id: Id, severity: Severity, evidence: &str, remedy: Option<&str>) -> Finding {
        let (title, remedy) = ("a title".to_owned(), remedy.map(Into::into));
        Finding { id, severity, title, evidence: evidence.into(), remedy }
    }

    #[test]
    fn findings_are_lines_that_need_no_colour() {
        let findings = [
            finding(Id::Reachable, Severity::Ok, "/ answered 200", None),
            finding(Id::ClockSkew, Severity::Warning, "40 s", Some("set it")),
            finding(Id::TlsClientCertificate, Severity::Problem, "none \u{1b}[2J", Some("pass one")),
        ];
        assert_eq!(
            diagnosis("x.test", &findings),
            "x.test\n\
             ok    reachable               a title: / answered 200\n\
             warn  clock-skew              a title: 40 s\n      -> set it\n\
             FAIL  tls-client-certificate  a title: none \u{fffd}[2J\n      -> pass one\n\
             1 problem, 1 warning"
        );
        assert!(diagnosis("x.test", &findings[..2]).ends_with("\nno problems, 1 warning"));
        assert!(diagnosis("x.test", &findings[..1]).ends_with("\nno problems"));
    }

    #[test]
    fn json_keeps_the_whole_text_and_is_harmless() {
        let evidence = "\u{1b}[2J".repeat(500);
        let line = diagnosis_line("x.test", &[finding(Id::SseBuffered, Severity::Problem, &evidence, None)]).unwrap();
        assert!(!line.contains(text::is_harmful));
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&object["schema"], &object["type"], &object["ok"]), (&1.into(), &"doctor".into(), &false.into()));
        let finding = &object["findings"][0];
        assert_eq!((&finding["id"], &finding["severity"]), (&"sse-buffered".into(), &"problem".into()));
        assert_eq!((finding["evidence"].as_str().unwrap(), &finding["remedy"]), (&*evidence, &serde_json::Value::Null));
    }
}
