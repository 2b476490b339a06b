//! How far off what is shown is, over time: as a table and as a picture.

use std::fmt::Write;

use skew_tests::binaries::workspace;

use crate::board::Sample;

/// Size of one of the two pictures, and what is left free beside it.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 50.0;

const COLOURS: [&str; 2] = ["#0a7d4b", "#c2410c"];

/// Writes `docs/presence-errors.csv` and `docs/presence-errors.svg`, and says what the steps are.
pub(crate) fn write(curves: &[(&str, Vec<Sample>)]) {
    for (name, samples) in curves {
        let steps = steps(samples).into_iter().enumerate();
        let steps: Vec<_> = steps.map(|(at, (seconds, step))| format!("{} {step} ({seconds:.0} s)", at + 1)).collect();
        println!("{name}: {}", steps.join(" · "));
    }
    let docs = workspace().join("docs");
    std::fs::write(docs.join("presence-errors.csv"), table(curves)).expect("docs can be written");
    std::fs::write(docs.join("presence-errors.svg"), picture(curves)).expect("docs can be written");
}

/// A row for each second.
fn table(curves: &[(&str, Vec<Sample>)]) -> String {
    let mut text = "program,seconds,step,users,connections,users off,connections off,says partial\n".to_owned();
    for (name, samples) in curves {
        let mut second = -1.0;
        for sample in samples {
            if sample.seconds.floor() <= second {
                continue;
            }
            second = sample.seconds.floor();
            let Sample { step, users, connections, partial, .. } = sample;
            let off = |off: Option<i64>| off.map_or("no answer".to_owned(), |off| off.to_string());
            let (users_off, connections_off) = (off(sample.users_off), off(sample.connections_off));
            let _ = writeln!(
                text,
                "{name},{second},\"{step}\",{users},{connections},{users_off},{connections_off},{partial}"
            );
        }
    }
    text
}

/// When each step began.
fn steps(samples: &[Sample]) -> Vec<(f64, &str)> {
    let mut steps: Vec<(f64, &str)> = Vec::new();
    for sample in samples {
        if steps.last().is_none_or(|(_, step)| *step != sample.step) {
            steps.push((sample.seconds, &sample.step));
        }
    }
    steps
}

/// Users above, connections below, with the numbers of the steps.
fn picture(curves: &[(&str, Vec<Sample>)]) -> String {
    let all = || curves.iter().flat_map(|(_, samples)| samples);
    let end = all().map(|sample| sample.seconds).fold(1.0, f64::max);
    let (width, height) = (LEFT + WIDTH + 20.0, 2.0 * (TOP + HEIGHT) + 60.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    type Off = fn(&Sample) -> Option<i64>;
    let both: [(&str, Off); 2] = [("users", |one| one.users_off), ("connections", |one| one.connections_off)];
    let steps = curves.first().map(|(_, samples)| steps(samples)).unwrap_or_default();
    for (at, (what, off)) in both.into_iter().enumerate() {
        let top = TOP + at as f64 * (TOP + HEIGHT);
        for (number, (seconds, _)) in steps.iter().enumerate() {
            let (x, down) = (LEFT + WIDTH * seconds / end, top + HEIGHT);
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {top}V{down}\" stroke=\"#ddd\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" font-size=\"9\" fill=\"#666\">{}</text>",
                down + 11.0,
                number + 1,
            );
        }
        let most = all().filter_map(off).map(i64::unsigned_abs).max().unwrap_or(1).max(1) as f64;
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{}\">{what}: |shown − true|, worst of the instances that answer; over {end:.0} s</text>\n\
             <path d=\"M{LEFT} {top}V{}H{}\" fill=\"none\" stroke=\"#888\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most:.0}</text><text x=\"{}\" y=\"{}\" text-anchor=\"end\">0</text>",
            top - 12.0,
            top + HEIGHT,
            LEFT + WIDTH,
            LEFT - 6.0,
            top + 10.0,
            LEFT - 6.0,
            top + HEIGHT,
        );
        for ((_, samples), colour) in curves.iter().zip(COLOURS) {
            let mut path = String::new();
            let mut pen = 'M';
            for sample in samples {
                // Where nobody answers there is nothing to draw.
                let Some(off) = off(sample) else {
                    pen = 'M';
                    continue;
                };
                let x = LEFT + WIDTH * sample.seconds / end;
                let y = top + HEIGHT * (1.0 - off.unsigned_abs() as f64 / most);
                let _ = write!(path, "{pen}{x:.1} {y:.1}");
                pen = 'L';
            }
            let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>");
        }
    }
    for ((at, (name, _)), colour) in curves.iter().enumerate().zip(COLOURS) {
        let (x, y) = (LEFT + 140.0 * at as f64, height - 20.0);
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\">■ {name}</text>");
    }
    svg.push_str("</svg>\n");
    svg
}
