use proptest::prelude::*;

use super::*;

type Stream = Vec<(EntryId, Result<Entry, Unread>)>;

fn at(term: u64, seq: u64) -> EntryId {
    EntryId { term, seq }
}

fn came(user: &str) -> News {
    News::Came(user.into())
}

fn left(user: &str) -> News {
    News::Left(user.into())
}

/// One who leads an empty log, and the stream of it.
fn leader() -> (Log, Stream) {
    let (mut log, mut stream) = (Log::new(0), Stream::new());
    assert!(!log.may_lead(EntryId::default(), 2_999), "there may be others");
    assert!(!log.may_lead(at(7, 1), 3_000), "there are others, who know more");
    assert!(log.may_lead(EntryId::default(), 3_000));
    let Append { id, entry } = log.claim(&"web-1".into(), EntryId::default(), 3_000);
    stream.push((id, Ok(entry)));
    assert!(!log.leads());
    log.read(stream.clone(), End::Reached, 3_000);
    assert!(log.leads());
    (log, stream)
}

fn say(log: &mut Log, stream: &mut Stream, news: &[News]) -> Vec<Told> {
    let Append { id, entry } = log.append(news, &"web-1".into(), 4_000).unwrap();
    stream.push((id, Ok(entry)));
    log.read(stream.clone(), End::Reached, 4_000)
}

fn news(told: &[Told]) -> Vec<(u64, News)> {
    told.iter().flat_map(|told| told.news.clone()).collect()
}

#[test]
fn a_leader_says_each_thing_once_and_numbers_it() {
    let (mut log, mut stream) = leader();
    let told = say(&mut log, &mut stream, &[came("ann"), came("bob"), left("cid"), came("ann")]);
    assert_eq!(news(&told), [(1, came("ann")), (2, came("bob"))]);
    assert_eq!(log.append(&[came("ann"), left("cid")], &"web-1".into(), 5_000), None);
    let told = say(&mut log, &mut stream, &[left("ann")]);
    assert_eq!((news(&told), told[0].age), (vec![(3, left("ann"))], Age::New));
    assert_eq!((log.cursor().seq, log.announced().len()), (3, 1));
}

#[test]
fn who_is_new_learns_from_the_base_and_tells_nobody() {
    let (mut log, mut stream) = leader();
    say(&mut log, &mut stream, &[came("ann")]);
    let base = log.due_base(&"web-1".into(), None, 5_000).unwrap();
    log.base_written(base.at, 5_000);
    assert_eq!(log.due_base(&"web-1".into(), None, 6_000), None);
    say(&mut log, &mut stream, &[came("bob")]);

    let mut new = Log::new(0);
    assert_eq!(new.read(stream.split_off(2), End::Reached, 0), [], "what came before is not known");
    let told = new.base(base).unwrap();
    assert_eq!((told.news, told.age), (vec![(1, came("ann"))], Age::Before));
    say(&mut log, &mut stream, &[came("cid")]);
}

#[test]
fn who_was_there_before_the_log_began_tells_its_first_events() {
    let mut other = Log::new(0);
    assert_eq!(other.read(Vec::new(), End::Reached, 1_000), []);
    let (mut log, mut stream) = leader();
    say(&mut log, &mut stream, &[came("ann")]);
    let base = log.due_base(&"web-1".into(), None, 4_000).unwrap();
    assert_eq!((other.needs_base(), other.base(base)), (false, None));
    let told = other.read(stream.clone(), End::Reached, 4_000);
    assert_eq!((news(&told), told[0].age), (vec![(1, came("ann"))], Age::New));

    // Emptied, and gone on with: what was announced before is no news to who is new.
    let mut late = Log::new(0);
    assert_eq!(late.read(Vec::new(), End::Reached, 5_000), []);
    say(&mut log, &mut stream, &[came("bob")]);
    assert_eq!(late.read(stream.split_off(2), End::Reached, 6_000), []);
    let base = log.due_base(&"web-1".into(), None, 6_000).unwrap();
    assert_eq!(late.base(base).unwrap().age, Age::Before);
}

#[test]
fn a_gap_is_found_and_the_difference_told() {
    let (mut log, mut stream) = leader();
    say(&mut log, &mut stream, &[came("ann"), came("bob")]);
    let mut other = Log::new(0);
    let told = other.read(stream.clone(), End::Reached, 0);
    assert_eq!((told[0].age, other.cursor()), (Age::Before, log.cursor()));
    say(&mut log, &mut stream, &[left("ann")]);
    say(&mut log, &mut stream, &[came("cid")]);
    let _ = stream.remove(2);
    assert_eq!(other.read(stream.clone(), End::Reached, 0), []);
    assert!(other.needs_base() && !other.may_lead(EntryId::default(), 14_999));
    assert!(other.may_lead(EntryId::default(), 15_000), "nobody else has for long");
    let told = other.base(log.due_base(&"web-1".into(), None, 9_000).unwrap()).unwrap();
    assert_eq!((told.news, told.age), (vec![(4, came("cid")), (4, left("ann"))], Age::New));
    assert_eq!(other.read(stream, End::Reached, 0), []);
    assert!(!other.needs_base());
}

#[test]
fn an_old_leader_is_one_no_more_when_it_reads_of_another() {
    let (mut log, mut stream) = leader();
    let mut other = Log::new(0);
    other.read(stream.clone(), End::Reached, 0);
    let Append { id, entry } = other.claim(&"web-2".into(), log.cursor(), 0);
    assert!(id > log.cursor() && id.term > 3_001, "also by a clock that is far behind");
    // It slips one in before it hears of the other.
    say(&mut log, &mut stream, &[came("ann")]);
    stream.push((id, Ok(entry)));
    let told = other.read(stream.clone(), End::Reached, 0);
    assert_eq!((news(&told), other.leads()), (vec![(1, came("ann"))], true), "who claims knows what it has not read");
    log.read(stream.clone(), End::Reached, 0);
    assert!(!log.leads() && log.needs_base());
    assert_eq!(log.base(other.due_base(&"web-2".into(), None, 1).unwrap()), None, "it has missed nothing");
    assert_eq!((log.cursor(), log.needs_base()), (other.cursor(), false));
    other.resign();
    assert!(!other.leads());
}

#[test]
fn two_who_lead_on_from_the_same_term_do_not_take_the_same_one() {
    let (mut log, stream) = leader();
    let mut other = Log::new(0);
    other.read(stream, End::Reached, 0);
    let [first, second] = [(&mut log, "web-1"), (&mut other, "web-2")]
        .map(|(log, name)| log.claim(&name.into(), EntryId::default(), 9_000).id);
    assert_ne!(first, second, "where Redis has lost one of them, who has read it must not take the other for it");
}

#[test]
fn a_leader_whose_entry_is_not_there_any_more_notices() {
    let (log, stream) = leader();
    assert!(log.holds(stream.first().map(|(id, _)| *id)));
    assert!(!log.holds(None) && !log.holds(Some(at(9, 9))));
}

#[test]
fn a_damaged_entry_is_skipped_by_all_alike_and_a_newer_one_is_a_gap() {
    let (mut log, mut stream) = leader();
    let term = log.cursor().term;
    stream.push((at(term, 5), Err(Unread::Damaged)));
    log.read(stream.clone(), End::Reached, 0);
    assert_eq!((log.cursor(), log.leads()), (at(term, 5), true));
    let told = say(&mut log, &mut stream, &[came("ann")]);
    assert_eq!(news(&told), [(6, came("ann"))]);
    stream.push((at(term, 9), Err(Unread::TooNew)));
    log.read(stream, End::Reached, 0);
    assert!(log.needs_base() && !log.leads());
}

#[test]
fn a_base_is_written_again_after_many_entries_and_after_a_while() {
    let (mut log, mut stream) = leader();
    log.base_written(log.cursor(), 4_000);
    assert_eq!(log.due_base(&"web-1".into(), None, 63_999), None);
    assert!(log.due_base(&"web-1".into(), None, 64_000).is_some());
    // It may be lost, and somebody waits for it.
    let (followed, behind) = (Some(log.cursor()), Some(EntryId::default()));
    assert_eq!(log.due_base(&"web-1".into(), followed, 9_000), None);
    assert_eq!(log.due_base(&"web-1".into(), behind, 8_999), None);
    assert!(log.due_base(&"web-1".into(), behind, 9_000).is_some());
    for nth in 0..BASE_ENTRIES {
        let said = [if nth % 2 == 0 { came("ann") } else { left("ann") }];
        let Append { id, entry } = log.append(&said, &"web-1".into(), 4_000).unwrap();
        log.read(vec![(id, Ok(entry))], End::Ahead, 4_000);
    }
    assert!(log.due_base(&"web-1".into(), None, 4_000).is_some());
    say(&mut log, &mut stream, &[came("bob")]);
}

proptest! {
    #[test]
    fn entries_and_bases_survive_a_round_trip(users in prop::collection::hash_set("\\PC{0,12}", 0..5), term in 0..9_u64, seq: u32) {
        let users: HashSet<Arc<str>> = users.into_iter().map(Into::into).collect();
        let entry = Entry {
            by: "web-1".into(),
            after: at(term, seq.into()),
            at: 7,
            came: users.iter().cloned().collect(),
            left: users.iter().cloned().collect(),
        };
        prop_assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        let base = Base { at: at(term, seq.into()), by: "web-1".into(), time: 5, users };
        let mut fields: Vec<_> = base.encode().into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
        prop_assert_eq!(Base::decode(&fields), Ok(base));
        fields.pop();
        prop_assert!(Base::decode(&fields).is_err(), "a part of it is none");
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "\\PC{0,30}") {
        let _ = (Entry::decode(&bytes), Entry::decode(text.as_bytes()), text.parse::<EntryId>());
        let _ = Base::decode(&[(b"@".to_vec(), bytes)]);
    }
}
