//! Figures as tables, or as JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// All tables, in the order of measuring.
pub(crate) struct Report {
    json: bool,
    tables: Vec<Value>,
}

/// One figure: what is printed, and the number behind it.
pub(crate) struct Figure {
    text: String,
    number: Option<f64>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, tables: Vec::new() }
    }

    /// Begins a table. A table is printed as it grows: who waits for minutes wants to see something.
    pub(crate) fn table(&mut self, title: &str, columns: &'static [&'static str]) -> Table<'_> {
        if !self.json {
            println!("\n## {title}\n\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
        }
        self.tables.push(json!({"title": title, "rows": []}));
        Table { report: self, columns }
    }

    /// Says the end.
    pub(crate) fn end(&self) {
        if self.json {
            println!("{}", json!({"tables": self.tables}));
        }
    }
}

/// A table that grows.
pub(crate) struct Table<'a> {
    report: &'a mut Report,
    columns: &'static [&'static str],
}

impl Table<'_> {
    /// Adds a row; its first column is a name.
    pub(crate) fn row(&mut self, name: &str, figures: Vec<Figure>) {
        if !self.report.json {
            let figures: String = figures.iter().map(|figure| format!(" {} |", figure.text)).collect();
            println!("| {name} |{figures}");
        }
        let mut row = Map::from_iter([(self.columns[0].to_owned(), Value::from(name))]);
        for (column, figure) in self.columns[1..].iter().zip(figures) {
            row.insert((*column).to_owned(), figure.number.map_or(Value::from(figure.text), Value::from));
        }
        if let Some(rows) = self.report.tables.last_mut().and_then(|table| table["rows"].as_array_mut()) {
            rows.push(row.into());
        }
    }
}

/// A number with thousands apart.
pub(crate) fn count(number: f64) -> Figure {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let sign = if number < 0.0 { "−" } else { "" };
    Figure { text: format!("{sign}{text}"), number: Some(number) }
}

/// A time in milliseconds.
pub(crate) fn ms(time: Duration) -> Figure {
    let ms = time.as_secs_f64() * 1_000.0;
    Figure { text: format!("{ms:.0} ms"), number: Some(ms) }
}

/// A share in percent.
pub(crate) fn percent(percent: f64) -> Figure {
    Figure { text: format!("{percent:.2} %"), number: Some(percent) }
}

/// Words in place of a number.
pub(crate) fn words(text: &str) -> Figure {
    Figure { text: text.to_owned(), number: None }
}

/// What is in the middle.
pub(crate) fn median(numbers: &mut [f64]) -> f64 {
    quantile(numbers, 0.5)
}

/// What so great a share is not above; 0 where there is nothing.
pub(crate) fn quantile(numbers: &mut [f64], share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let at = (numbers.len() as f64 * share).ceil() as usize;
    numbers.get(at.max(1) - 1).copied().unwrap_or(0.0)
}
