//! The dashboard as it is drawn: snapshots of canned stories, and what must hold of every picture.

#[path = "dashboard/scenario.rs"]
mod scenario;
#[path = "dashboard/screen.rs"]
mod screen;
#[path = "dashboard/story.rs"]
mod story;

#[path = "dashboard/acting.rs"]
mod acting;
#[path = "dashboard/copying.rs"]
mod copying;
#[path = "dashboard/drill.rs"]
mod drill;
#[path = "dashboard/fleet.rs"]
mod fleet;
#[path = "dashboard/keys.rs"]
mod keys;
#[path = "dashboard/menu.rs"]
mod menu;
#[path = "dashboard/mouse.rs"]
mod mouse;
#[path = "dashboard/people.rs"]
mod people;
#[path = "dashboard/pictures.rs"]
mod pictures;
#[path = "dashboard/playback.rs"]
mod playback;
#[path = "dashboard/rollout.rs"]
mod rollout;
#[path = "dashboard/safety.rs"]
mod safety;
#[path = "dashboard/svg.rs"]
mod svg;
#[path = "dashboard/themes.rs"]
mod themes;
