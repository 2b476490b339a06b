//! What is open above the panes.

mod contexts;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use skew_proto::{InvalidateAnswer, MatchKind};
use tui_input::Input;

use super::{help, pane, text};
use crate::action::{Action, Context};
use crate::keymap::Keymap;
use crate::state::State;
use crate::state::acts::Stage;
use crate::state::clock;
use crate::state::dialog::Dialog;
use crate::state::follow::{Follow, REMEDY};
use crate::state::invalidation::{Invalidation, Preview, Reach, Whom};
use crate::theme::{Theme, bold};

/// Columns inside a dialog.
const WIDTH: usize = 66;

/// Routes that a preview or an answer lists.
const ROUTES: usize = 8;

/// Connections that are still there and listed.
const TABS: usize = 3;

/// Longest part of a pattern in a sentence.
const PATTERN: usize = 40;

struct Page {
    title: &'static str,
    border: Style,
    width: usize,
    lines: Vec<Line<'static>>,
}

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let page = match state.dialog() {
        None | Some(Dialog::Filter { .. }) => return,
        Some(Dialog::Help) => keys(state, theme),
        Some(Dialog::Pattern { input, kind, refusal }) => {
            pattern(input, *kind, refusal.as_deref(), state.keymap(), theme)
        }
        Some(Dialog::Confirm { preview, retyped }) => confirm(preview, retyped.as_ref(), state, theme),
        Some(Dialog::Sending(asked)) => {
            page("Invalidate", theme.warn, vec![subject(asked, theme), Line::from("asking the server …")])
        }
        Some(Dialog::Outcome { asked, result }) => outcome(asked, result, state, theme),
        Some(Dialog::Contexts { input, at }) => contexts::contexts(input, *at, state, theme),
        Some(Dialog::Refusal(reason)) => page("Not possible", theme.warn, sentences(reason, theme.text)),
    };
    page.draw(theme, area, buf);
}

fn page(title: &'static str, border: Style, lines: Vec<Line<'static>>) -> Page {
    Page { title, border, width: WIDTH, lines }
}

impl Page {
    fn draw(self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let wanted = |inner: usize, frame: u16, room: u16| {
            u16::try_from(inner).unwrap_or(u16::MAX).saturating_add(frame).min(room)
        };
        let width = wanted(self.width, 4, area.width);
        let height = wanted(self.lines.len(), 2, area.height);
        let place =
            Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
        Clear.render(place, buf);
        buf.set_style(place, theme.text);
        let title = Line::from(Span::styled(format!(" {} ", self.title), bold(self.border)));
        let block = pane::block(title, self.border);
        let inside = block.inner(place);
        block.render(place, buf);
        for (line, row) in self.lines.into_iter().zip(inside.rows()) {
            line.render(row, buf);
        }
    }
}

/// The text that is typed, with its cursor, in so many columns.
pub(super) fn typed<'a>(input: &Input, columns: usize, theme: &Theme) -> Vec<Span<'a>> {
    let before: String = input.value().chars().take(input.cursor()).collect();
    let mut after = input.value().chars().skip(input.cursor());
    let under = after.next().map_or_else(|| " ".to_owned(), |c| text::fit(c.encode_utf8(&mut [0; 4]), 2));
    // The end of what stands before the cursor matters more than its beginning.
    let skipped = text::width(&text::fit(&before, usize::MAX)).saturating_sub(columns);
    let before: String = before.chars().skip(skipped).collect();
    let room = columns.saturating_sub(text::width(&before)).min(columns / 2);
    vec![
        Span::styled(text::fit(&before, columns), theme.strong),
        Span::styled(under, theme.selected),
        Span::styled(text::fit(&after.collect::<String>(), room), theme.strong),
    ]
}

fn sentences(words: &str, style: Style) -> Vec<Line<'static>> {
    text::wrap(words, WIDTH).into_iter().map(|line| Line::from(Span::styled(line, style))).collect()
}

fn keys(state: &State, theme: &Theme) -> Page {
    let mut columns: [Vec<Line<'static>>; 2] = Default::default();
    for section in help::sections(state.keymap(), state.ground(), state.access(), theme) {
        // Into the shorter column, so that both end at about the same line.
        let column = usize::from(columns[1].len() < columns[0].len());
        if !columns[column].is_empty() {
            columns[column].push(Line::default());
        }
        columns[column].extend(section);
    }
    let [left, right] = columns;
    let rows = left.len().max(right.len());
    let mut right = right.into_iter();
    let mut left = left.into_iter();
    let lines = (0..rows)
        .map(|_| {
            let mut line = left.next().unwrap_or_default();
            let gap = help::SECTION_WIDTH.saturating_sub(line.width());
            line.push_span(Span::raw(" ".repeat(gap)));
            line.spans.extend(right.next().unwrap_or_default().spans);
            line
        })
        .collect();
    Page { title: "Keys", border: theme.accent, width: help::SECTION_WIDTH * 2, lines }
}

fn subject(asked: &Invalidation, theme: &Theme) -> Line<'static> {
    let (how, what) = match asked {
        Invalidation::User(id) => ("the user ", id),
        Invalidation::Route { pattern, kind } => {
            let how = match kind {
                MatchKind::Prefix => "every route that starts with ",
                MatchKind::Exact => "the route ",
                MatchKind::Segment => "the route and what lies below ",
                MatchKind::Regex => "every route that matches ",
            };
            (how, pattern)
        }
    };
    let shown = text::fit(what, WIDTH - text::width(how));
    Line::from(vec![Span::styled(how, theme.faint), Span::styled(shown, bold(theme.accent))])
}

fn pattern(input: &Input, kind: MatchKind, refusal: Option<&str>, keymap: &Keymap, theme: &Theme) -> Page {
    let mut field = vec![Span::styled("route  ", theme.faint)];
    field.extend(typed(input, WIDTH - 10, theme));
    let mut kinds = vec![Span::styled("match  ", theme.faint)];
    for one in MatchKind::ALL {
        let (open, close, style) = if one == kind { ("[", "]", bold(theme.accent)) } else { (" ", " ", theme.faint) };
        kinds.push(Span::styled(format!("{open}{one}{close} "), style));
    }
    kinds.push(Span::styled(keymap.name(Action::NextMatch, Context::Text), theme.faint));
    let mut lines = vec![Line::from(field), Line::default(), Line::from(kinds)];
    if let Some(reason) = refusal {
        lines.push(Line::default());
        lines.extend(sentences(reason, theme.warn));
    }
    lines.push(Line::default());
    let enter = keymap.name(Action::Confirm, Context::Text);
    let next = format!("{enter} shows whom it will reach. Nothing is sent before that.");
    lines.push(Line::from(Span::styled(next, theme.faint)));
    page("Invalidate a pattern", theme.accent, lines)
}

fn confirm(preview: &Preview, retyped: Option<&Input>, state: &State, theme: &Theme) -> Page {
    let mut lines = vec![subject(&preview.whom.asked(), theme), Line::default()];
    match &preview.reach {
        None if matches!(preview.whom, Whom::User(_)) => {
            let words = "Whom it reaches is not known: the list does not tell whose every connection is.";
            lines.extend(sentences(words, theme.warn));
        }
        None => lines.extend(sentences("Whom it reaches is not known: there are no stats.", theme.warn)),
        Some(reach) => lines.extend(reached(reach, theme)),
    }
    if let Some(age) = state.figures_age() {
        let age = crate::state::clock::age(age);
        lines.extend(sentences(&format!("These figures are {age} old: the connection is not live."), theme.warn));
    }
    lines.push(Line::default());
    if let Some(over) = state.over_limit(preview) {
        lines.extend(sentences(&format!("Not possible: {over}."), theme.bad));
        return page("Invalidate?", theme.bad, lines);
    }
    match retyped {
        Some(input) => lines.extend(retype(preview.whom.text(), input, state.keymap(), theme)),
        None => lines.push(Line::from(vec![
            Span::styled(state.keymap().name(Action::Confirm, Context::Question), bold(theme.accent)),
            Span::styled(" sends them a refresh   ", theme.faint),
            Span::styled(state.keymap().name(Action::Back, Context::Question), bold(theme.accent)),
            Span::styled(" leaves them alone", theme.faint),
        ])),
    }
    page("Invalidate?", theme.warn, lines)
}

fn retype(pattern: &str, input: &Input, keymap: &Keymap, theme: &Theme) -> Vec<Line<'static>> {
    let shown = text::fit(pattern, PATTERN);
    let mut field = vec![Span::styled("pattern  ", theme.faint)];
    field.extend(typed(input, WIDTH - 12, theme));
    vec![
        Line::from(vec![
            Span::styled("This is everybody. Type ", theme.warn),
            Span::styled(shown, bold(theme.accent)),
            Span::styled(format!(" once more, then {}.", keymap.name(Action::Confirm, Context::Text)), theme.warn),
        ]),
        Line::from(field),
    ]
}

fn reached(reach: &Reach, theme: &Theme) -> Vec<Line<'static>> {
    let connections = if reach.people == 1 { "connection" } else { "connections" };
    let mut lines = vec![Line::from(vec![
        Span::styled(text::number(reach.people), theme.strong),
        Span::styled(format!(" of {} {connections} will be told to refresh", text::number(reach.of)), theme.text),
    ])];
    lines.extend(by_route(
        reach.routes.iter().map(|(route, count)| (route.as_str(), *count)),
        reach.routes.len(),
        theme,
    ));
    if reach.watchers > 0 {
        let has = if reach.watchers == 1 { "has" } else { "have" };
        let words = format!("and {} skew-tui, which {has} no page to refresh", text::number(reach.watchers));
        lines.push(Line::from(Span::styled(words, theme.faint)));
    }
    lines
}

fn by_route<'a>(routes: impl Iterator<Item = (&'a str, u64)>, all: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = routes
        .take(ROUTES)
        .map(|(route, count)| {
            Line::from(vec![
                Span::styled(format!("{:>9}  ", text::number(count)), theme.strong),
                Span::styled(text::fit(route, WIDTH - 11), theme.text),
            ])
        })
        .collect();
    if all > ROUTES {
        lines.push(Line::from(Span::styled(
            format!("           and {} more", text::number((all - ROUTES) as u64)),
            theme.faint,
        )));
    }
    lines
}

fn outcome(asked: &Invalidation, result: &Result<InvalidateAnswer, String>, state: &State, theme: &Theme) -> Page {
    let mut lines = vec![subject(asked, theme), Line::default()];
    let refusal = match result {
        Ok(answer) if answer.ok => {
            lines.extend(answered(answer, state.stage(asked), state, theme));
            return page("Invalidated", theme.good, lines);
        }
        Ok(_) => "The server says that it did not do it.",
        Err(error) => error,
    };
    lines.extend(sentences(refusal, theme.bad));
    page("Not invalidated", theme.bad, lines)
}

fn answered(answer: &InvalidateAnswer, stage: Option<&Stage>, state: &State, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = match answer.matched {
        Some(matched) => vec![Line::from(vec![
            Span::styled("✓ ", theme.good),
            Span::styled(text::number(matched), theme.strong),
            Span::styled(" connections were told to refresh", theme.text),
        ])],
        None => sentences("✓ The server took it. A stock app does not say how many it reached.", theme.good),
    };
    if let Some(Stage::Followed(follow)) = stage {
        lines.push(Line::default());
        lines.extend(followed(follow, state, theme));
        return lines;
    }
    if let Some(routes) = &answer.routes {
        let mut routes: Vec<(&str, u64)> = routes.iter().map(|(route, count)| (route.as_str(), *count)).collect();
        routes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let all = routes.len();
        lines.extend(by_route(routes.into_iter(), all, theme));
    }
    lines.push(Line::default());
    if let Some(Stage::NotFollowed(reason)) = stage {
        lines.extend(sentences(&format!("What becomes of them can't be followed: {reason}."), theme.warn));
    }
    lines.extend(sentences("A browser acts on it only where the app reloads on force.", theme.faint));
    lines
}

/// Those who were hit: how many did what, and who is still there.
fn followed(follow: &Follow, state: &State, theme: &Theme) -> Vec<Line<'static>> {
    let fates = follow.fates();
    let row = |count: u64, words: &'static str, style| {
        Line::from(vec![Span::styled(format!("{:>9}  ", text::number(count)), style), Span::styled(words, theme.text)])
    };
    let mut lines = vec![row(fates.left, "left or reconnected", theme.strong)];
    let new = format!(
        "           new there: {}, on the current build: {}",
        text::number(fates.reconnected),
        text::number(fates.reconnected_on_current)
    );
    lines.push(Line::from(Span::styled(new, theme.faint)));
    if fates.changed > 0 {
        lines.push(row(fates.changed, "changed version", theme.strong));
    }
    let style = if fates.unchanged > 0 { theme.warn } else { theme.good };
    lines.push(row(fates.unchanged, "still there unchanged", style));
    let still = follow.still();
    lines.extend(still.iter().take(TABS).map(|tab| {
        Line::from(vec![
            Span::styled(format!("           {}  ", text::fit(&tab.id, 8)), theme.faint),
            Span::styled(format!("{}  ", text::fit(&tab.version, 12)), theme.faint),
            Span::styled(text::fit(&tab.route, WIDTH - 35), theme.text),
        ])
    }));
    if still.len() > TABS {
        let more = format!("           and {} more", text::number((still.len() - TABS) as u64));
        lines.push(Line::from(Span::styled(more, theme.faint)));
    }
    lines.push(Line::default());
    match follow.end() {
        None => {
            let left = clock::seconds_left(follow.left_ms(state.now()));
            let back = state.keymap().name(Action::Back, Context::Message);
            let words = format!("Following them for {left} s more. {back} closes this; the log tells the end.");
            lines.extend(sentences(&words, theme.faint));
        }
        Some(end) => {
            lines.extend(sentences(&format!("{end}."), theme.text));
            if fates.unchanged > 0 {
                lines.extend(sentences(REMEDY, theme.faint));
            }
        }
    }
    lines
}
