//! What an operator should know or do, in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{pane, text};
use crate::action::{Action, Context};
use crate::state::notice::Notice;
use crate::state::site::unheard;
use crate::state::{State, clock};
use crate::theme::{Theme, bold};

/// Border and padding on both sides.
const FRAME: u16 = 4;

struct Words {
    title: &'static str,
    style: Style,
    paragraphs: Vec<String>,
}

/// Lines that the notice needs, frame included; none where there is nothing to say.
pub(super) fn height(state: &State, width: u16) -> u16 {
    let Some(notice) = state.notice() else { return 0 };
    let lines = lines(&words(notice, state, Style::new(), Style::new()), width);
    u16::try_from(lines.len() + 2).unwrap_or(u16::MAX)
}

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(notice) = state.notice() else { return };
    if area.height < 3 {
        return;
    }
    let words = words(notice, state, theme.warn, theme.bad);
    let title = Line::from(Span::styled(format!(" {} ", words.title), bold(words.style)));
    let block = pane::block(title, words.style);
    let inside = block.inner(area);
    block.render(area, buf);
    for (line, row) in lines(&words, area.width).into_iter().zip(inside.rows()) {
        Line::from(Span::styled(line, theme.text)).render(row, buf);
    }
}

fn lines(words: &Words, width: u16) -> Vec<String> {
    let columns = usize::from(width.saturating_sub(FRAME));
    words.paragraphs.iter().flat_map(|paragraph| text::wrap(paragraph, columns)).collect()
}

fn words(notice: Notice<'_>, state: &State, warn: Style, bad: Style) -> Words {
    let reconnect = state.keymap().name(Action::Reconnect, Context::Panes);
    match notice {
        Notice::Connecting => Words {
            title: "Connecting",
            style: warn,
            paragraphs: vec![format!("Opening a stream to {}.", state.label())],
        },
        Notice::Unreachable(reason) => Words {
            title: "No connection",
            style: bad,
            paragraphs: vec![reason.to_owned(), format!("It is tried again by itself; {reconnect} tries at once.")],
        },
        Notice::Failed(reason) => Words {
            title: "Given up",
            style: bad,
            paragraphs: vec![reason.to_owned(), format!("{reconnect} tries once more.")],
        },
        Notice::Asking => Words {
            title: "Waiting for stats",
            style: warn,
            paragraphs: vec!["Connected. Asking the server who is on which build.".to_owned()],
        },
        Notice::Silent => Words {
            title: "No answer",
            style: warn,
            paragraphs: vec![
                "Stats were asked for, and nothing has come. On a stock app this means:".to_owned(),
                "· its hook skew:authorize-stats throws (on WS its event has only headers)".to_owned(),
                "· or it runs as several processes, and needs sticky sessions".to_owned(),
                "· or tracking is off: skewProtection.connectionTracking".to_owned(),
            ],
        },
        Notice::Instances(missing) => Words {
            title: "Partial",
            style: warn,
            paragraphs: vec![format!(
                "The server has not heard from {} for {}. Of these the figures are the last that were known.",
                unheard(missing),
                clock::age(state.shown_at().unix_ms.saturating_sub(missing.since))
            )],
        },
        Notice::RefusedByHook => Words { title: "Not authorized", style: bad, paragraphs: remedy() },
        Notice::RefusedByStatus(status, reason) => {
            let mut paragraphs = vec![format!("The server answered {status}: {reason}")];
            paragraphs.extend(remedy());
            Words { title: "Refused", style: bad, paragraphs }
        }
    }
}

fn remedy() -> Vec<String> {
    vec![
        "The server does not show its stats to these credentials.".to_owned(),
        "· give SKEW_TOKEN or --token-file (bearer), SKEW_COOKIE or --cookie-file".to_owned(),
        "· a Nuxt app's hook skew:authorize-stats must call authorize() for you".to_owned(),
        "· skew-server takes the secret of its --stats- or --admin-secret-file".to_owned(),
    ]
}
