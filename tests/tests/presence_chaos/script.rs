//! What happens to the processes, to Redis and to the lines between them, and what must be right afterwards.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use skew_tests::faults::{Fault, Way};
use skew_tests::redis::Data;
use tokio::time::{Instant, sleep, sleep_until};

use crate::board::Board;
use crate::book::Book;
use crate::crowd::{Crowd, Doors};
use crate::hook::Hook;
use crate::late::Record;
use crate::oracle::Truth;
use crate::rows;
use crate::site::{A_DEATH, Program, REDIS_BACK, Site, State};
use crate::watcher::Watcher;

/// How long a process stalls, and how long something is wrong with Redis or a line to it.
const STALL: Duration = Duration::from_secs(60);
const AWAY: Duration = Duration::from_secs(10);

/// How much longer than it should take it may take, for the sake of whatever else this machine does.
const BUSY: Duration = Duration::from_secs(10);

/// Connections that close, and as many that open, each time some do.
const STIR: usize = 30;

const LOOK: Duration = Duration::from_millis(50);

/// Whether one goes on as soon as all is right, or when it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    AsSoonAsRight,
    WhenItShouldBe,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Kill,
    RedisRestarts,
    RedisStalls,
    Flush,
    Line(Fault),
    LateWrites,
}

/// What can go wrong with a line.
pub(crate) const FAULTS: [Fault; 6] = [
    Fault::Cut,
    Fault::Slow(Duration::from_millis(300)),
    Fault::Lost(Way::Down),
    Fault::Lost(Way::Up),
    Fault::Lost(Way::Both),
    Fault::Held(Way::Both),
];

pub(crate) struct Play {
    program: Program,
    pace: Pace,
    whole: usize,
    dice: StdRng,
    site: Site,
    crowd: Crowd,
    watchers: Vec<Option<Watcher>>,
    hook: Hook,
    pub(crate) board: Board,
}

impl Play {
    /// Starts so many processes, and opens so many connections.
    pub(crate) async fn start(program: Program, pace: Pace, instances: usize, connections: usize, seed: u64) -> Self {
        let hook = Hook::start().await;
        let site = Site::start(program, instances, hook.addr).await;
        let board = Board::default();
        board.now().shown = vec![None; instances];
        let crowd = Crowd::new(program, StdRng::seed_from_u64(seed ^ 1));
        let dice = StdRng::seed_from_u64(seed);
        let watchers = (0..instances).map(|_| None).collect();
        let mut play = Self { program, pace, whole: connections, dice, site, crowd, watchers, hook, board };
        for at in 0..instances {
            play.watch(at).await;
        }
        play.until_told().await;
        play.crowd.refill(connections, &play.site.up()).await;
        play.step("calm");
        play
    }

    async fn watch(&mut self, at: usize) {
        let addr = self.site.instances[at].addr();
        let watcher = match self.program {
            Program::Skew => Watcher::subscribe(at, addr, &self.board).await,
            Program::Recipe => Watcher::poll(at, addr, self.site.client.clone(), self.board.clone()),
        };
        self.watchers[at] = Some(watcher);
    }

    /// Waits until the listener hears of those who come. What its instance has found told when it began is no news to it, so that it goes
    /// on from who is here then.
    async fn until_told(&mut self) {
        let deadline = Instant::now() + 2 * A_DEATH;
        let told = |book: &Mutex<Book>| book.lock().unwrap_or_else(PoisonError::into_inner).present();
        while self.program == Program::Skew {
            self.crowd.open(1, &self.site.up()).await;
            let present: BTreeSet<_> = self.truth().present.iter().map(|user| format!("v_u{user}")).collect();
            let soon = Instant::now() + REDIS_BACK;
            let has_heard = |book: &Mutex<Book>| book.lock().unwrap_or_else(PoisonError::into_inner).len() > 0;
            while told(&self.hook.book).as_ref() != Ok(&present)
                || (!has_heard(&self.listener()) && Instant::now() < soon)
            {
                assert!(Instant::now() < deadline, "the webhook was told {:?}, not {present:?}", told(&self.hook.book));
                sleep(LOOK).await;
            }
            if has_heard(&self.listener()) {
                *self.listener().lock().unwrap_or_else(PoisonError::into_inner) = Book::beginning_with(present);
                return;
            }
        }
    }

    /// The last one is never killed or stalled: who listens there must hear of everything.
    fn listener(&self) -> Arc<Mutex<Book>> {
        let last = self.watchers.last().and_then(Option::as_ref).expect("the last one is watched");
        last.book.clone()
    }

    /// One that may be killed or stalled.
    fn victim(&mut self) -> usize {
        let last = self.site.instances.len() - 1;
        let up: Vec<_> = self.site.up().into_iter().map(|(at, _)| at).filter(|at| *at != last).collect();
        *up.choose(&mut self.dice).expect("more than one is up")
    }

    fn truth(&self) -> Truth {
        let counts = |at: usize| self.site.instances[at].state == State::Up;
        let watchers = self.watchers.iter().flatten().filter_map(|watcher| watcher.known.as_ref());
        Truth::of(self.crowd.known().chain(watchers).filter(|known| counts(known.instance)))
    }

    /// Says what is true now.
    fn publish(&self) {
        let truth = self.truth();
        let mut now = self.board.now();
        now.truth = truth;
        for (shown, instance) in now.shown.iter_mut().zip(&self.site.instances) {
            // What one said before it stalled is looked at by nobody.
            if instance.state != State::Up {
                *shown = None;
            }
        }
    }

    fn step(&self, name: &str) {
        self.publish();
        name.clone_into(&mut self.board.now().step);
    }

    async fn stir(&mut self, doors: Doors) {
        let up = self.site.up();
        self.crowd.stir(STIR, &up, doors).await;
        self.publish();
    }

    /// Some come, go and move for so long.
    async fn stir_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.stir(Doors::Own).await;
            sleep_until((Instant::now() + Duration::from_secs(2)).min(end)).await;
        }
    }

    /// What is wrong now: with what an instance shows, or with what was told of who came and left.
    fn wrong(&self) -> Option<String> {
        let now = self.board.now();
        for (at, _) in self.site.up() {
            let Some(shown) = &now.shown[at] else { return Some(format!("web-{at} shows nothing")) };
            if let Some(wrong) = now.truth.difference(shown) {
                return Some(format!("web-{at}: {wrong}"));
            }
        }
        if self.program == Program::Recipe {
            return None;
        }
        let present: BTreeSet<_> = now.truth.present.iter().map(|user| format!("v_u{user}")).collect();
        drop(now);
        let books = [("the webhook", &self.hook.book), ("the subscriber", &self.listener())];
        books.into_iter().find_map(|(who, book)| {
            let told = book.lock().unwrap_or_else(PoisonError::into_inner).present();
            let difference = |told: BTreeSet<String>| {
                let differ: Vec<_> = told.symmetric_difference(&present).take(10).collect();
                (!differ.is_empty()).then(|| format!("{who} was told wrong or not at all of {differ:?}"))
            };
            told.map_or_else(|wrong| Some(format!("{who}: {wrong}")), difference)
        })
    }

    /// Waits until all is right, which must be within that time. Of the recipe it is only said whether it is.
    pub(crate) async fn settle(&mut self, what: &str, within: Duration) {
        self.publish();
        let start = Instant::now();
        let mut right = None;
        while right.is_none() && start.elapsed() < within + BUSY {
            match self.wrong() {
                None => right = Some(start.elapsed()),
                Some(_) if self.program == Program::Recipe && start.elapsed() >= within => break,
                Some(_) => sleep(LOOK).await,
            }
        }
        match (right, self.program) {
            (Some(time), _) => println!("{what}: right after {:.1} s of {within:?}", time.as_secs_f64()),
            (None, Program::Recipe) => println!("{what}: wrong after {within:?}: {}", self.wrong().unwrap_or_default()),
            (None, Program::Skew) => panic!("{what}: wrong after {within:?}: {}", self.wrong().unwrap_or_default()),
        }
        let missing = |book: &Mutex<Book>| book.lock().unwrap_or_else(PoisonError::into_inner).missing();
        let missing = (missing(&self.hook.book), missing(&self.listener()));
        if missing != (0, 0) {
            println!(
                "  numbers of events that were not told: {} to the webhook, {} to the subscriber",
                missing.0, missing.1
            );
        }
        if self.pace == Pace::WhenItShouldBe {
            sleep_until(start + within).await;
        }
    }

    /// Some come and go, and nothing is wrong: then each user is told of just as often as they came and left.
    pub(crate) async fn calm(&mut self) {
        self.settle("the beginning", A_DEATH).await;
        for _ in 0..3 {
            let (before, hook) = (self.truth().present, self.hook.book.clone());
            let told = || hook.lock().unwrap_or_else(PoisonError::into_inner).len();
            let from = told();
            self.stir(Doors::Any).await;
            self.settle("calm", REDIS_BACK).await;
            if self.program == Program::Recipe {
                continue;
            }
            let after = self.truth().present;
            let turns = hook.lock().unwrap_or_else(PoisonError::into_inner).turns_since(from);
            for user in before.symmetric_difference(&after) {
                let told = turns.get(&format!("v_u{user}")).copied().unwrap_or(0);
                assert_eq!(told % 2, 1, "u{user} came or left");
            }
        }
        self.check_rows().await;
    }

    /// One process stalls for a minute, and meanwhile there is other trouble.
    pub(crate) async fn stall(&mut self, meanwhile: &[Trouble]) {
        let victim = self.victim();
        self.site.instances[victim].stall();
        let end = Instant::now() + STALL;
        self.step("one stalls");
        self.settle("a stall", A_DEATH).await;
        for trouble in meanwhile {
            self.suffer(*trouble).await;
        }
        while Instant::now() < end {
            self.stir_for((end - Instant::now()).min(Duration::from_secs(2))).await;
        }
        self.site.instances[victim].resume();
        self.step("it goes on");
        self.settle("a stall's end", A_DEATH).await;
    }

    pub(crate) async fn suffer(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Kill => self.kill().await,
            Trouble::RedisRestarts => {
                self.site.redis.kill();
                self.step("Redis is killed");
                self.until_partial().await;
                self.stir_for(AWAY).await;
                self.site.redis.start_again(Data::Lost).await;
                self.step("Redis is back, empty");
                self.settle("Redis, killed and back without its data", REDIS_BACK).await;
                self.check_rows().await;
            }
            Trouble::RedisStalls => {
                self.site.redis.stall();
                self.step("Redis stalls");
                self.until_partial().await;
                self.stir_for(AWAY).await;
                self.site.redis.resume();
                self.step("Redis goes on");
                self.settle("Redis, stalled and back", REDIS_BACK).await;
            }
            Trouble::Flush => {
                self.site.redis.flush().await;
                self.step("FLUSHALL");
                self.stir(Doors::Own).await;
                sleep(REDIS_BACK).await;
                self.settle("FLUSHALL, five seconds later", REDIS_BACK).await;
            }
            Trouble::Line(fault) => self.line(fault).await,
            Trouble::LateWrites => {
                self.step("late writes");
                let record = Record::take(&self.site.redis).await;
                self.stir_for(Duration::from_secs(3)).await;
                self.settle("before late writes", REDIS_BACK).await;
                record.write_again(&self.site.redis).await;
                sleep(REDIS_BACK).await;
                self.settle("late and repeated writes, five seconds later", REDIS_BACK).await;
                self.stir(Doors::Own).await;
                self.settle("after late writes", REDIS_BACK).await;
            }
        }
    }

    async fn kill(&mut self) {
        let victim = self.victim();
        self.site.instances[victim].kill();
        self.crowd.lose(victim);
        self.watchers[victim] = None;
        self.step("one is killed");
        self.settle("a death", A_DEATH).await;
        self.site.instances[victim].start_again().await;
        self.step("it is started again");
        self.watch(victim).await;
        self.crowd.refill(self.whole, &self.site.up()).await;
        self.settle("its return", REDIS_BACK).await;
    }

    async fn line(&mut self, fault: Fault) {
        let up = self.site.up();
        let (victim, _) = up[self.dice.random_range(0..up.len())];
        self.site.instances[victim].line.set(fault);
        self.step(&format!("a line: {fault:?}"));
        self.stir_for(AWAY).await;
        if let Fault::Slow(_) = fault {
            // Every answer takes twice that.
            self.settle("a slow line", A_DEATH).await;
        }
        self.site.instances[victim].line.set(Fault::None);
        self.step("the line is mended");
        self.settle(&format!("a line, {fault:?} and mended"), REDIS_BACK).await;
    }

    /// Without Redis each instance must say that something is missing.
    async fn until_partial(&mut self) {
        let deadline = Instant::now() + A_DEATH + BUSY;
        let whole = |play: &Self| {
            let now = play.board.now();
            let says = |at: usize| {
                now.shown[at].as_ref().is_some_and(|shown| shown.more.as_ref().is_some_and(|more| more.partial))
            };
            play.site.up().into_iter().find(|(at, _)| !says(*at))
        };
        while self.program == Program::Skew
            && let Some((at, _)) = whole(self)
        {
            assert!(Instant::now() < deadline, "web-{at} does not say that others are missing while Redis is away");
            self.stir(Doors::Own).await;
            sleep(LOOK).await;
        }
    }

    /// Each instance lists everybody, too.
    async fn check_rows(&self) {
        if self.program == Program::Skew {
            for (at, addr) in self.site.up() {
                rows::check(&self.site.client, at, addr, &self.truth(), REDIS_BACK + BUSY).await;
            }
        }
    }
}
