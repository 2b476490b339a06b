use std::sync::Arc;

use super::*;
use crate::presence::exchange::Figures;

fn writer() -> Writer {
    Writer::new(Me::new("web-1", "b1"))
}

fn share(versions: &[(&str, u64)], users: &[(&str, Option<u64>)]) -> Share {
    let versions: Vec<(Arc<str>, u64)> = versions.iter().map(|(version, count)| ((*version).into(), *count)).collect();
    let connections = versions.iter().map(|(_, count)| count).sum();
    let users = users.iter().map(|(user, since)| ((*user).into(), *since)).collect();
    Share { figures: Figures { versions, users, connections, ..Figures::default() }, ..Share::default() }
}

/// What is asked for, and the transaction made of it.
fn next(writer: &mut Writer, share: Share, now: u64) -> (Ask, Option<Transaction>) {
    let ask = writer.ask(false, now);
    (ask, writer.next(ask, share, Face::default(), &Knowledge::default(), now))
}

fn found(writer: &Writer) -> Found {
    let len = |written: &Written| written.names.len() as u64;
    Found { head: writer.head.clone(), figures: len(&writer.figures), rows: len(&writer.rows) }
}

fn deltas(transaction: &Transaction) -> Vec<Delta> {
    let Ok(Hint::Written(_, deltas)) = Hint::decode(transaction.hint.as_ref().unwrap()) else { panic!("no hint") };
    deltas
}

/// One that has written its figures whole at second 1.
fn written() -> Writer {
    let mut writer = writer();
    let before = found(&writer);
    let (ask, transaction) = next(&mut writer, share(&[("b1", 2), ("b0", 0)], &[("ann", Some(5))]), 1_000);
    let transaction = transaction.unwrap();
    assert_eq!((ask.figures, ask.rows, &transaction.rows), (Extent::Whole, Extent::Nothing, &Write::Gone));
    let Write::Whole(fields) = &transaction.figures else { panic!("{transaction:?}") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["v:b1", "u:ann", "k"]);
    assert_eq!(deltas(&transaction), []);
    assert_eq!(writer.done(&before), Verdict::Fine, "what was there before the first is nobody's");
    writer
}

#[test]
fn only_what_has_changed_is_written() {
    let mut writer = written();
    let (ask, nothing) = next(&mut writer, share(&[], &[]), 1_100);
    assert_eq!((ask.figures, nothing.is_some()), (Extent::Changes, true), "connections are in the head");
    let before = found(&writer);
    writer.done(&before);
    let (_, nothing) = next(&mut writer, share(&[], &[]), 1_200);
    assert!(nothing.is_none());
    let before = found(&writer);
    let (_, transaction) = next(&mut writer, share(&[("b1", 0), ("b2", 3)], &[("ann", None), ("bob", None)]), 1_300);
    let transaction = transaction.unwrap();
    let expected = Delta {
        section: Section::Figures,
        since: 1,
        seq: 2,
        set: vec![("v:b2".into(), "3".into())],
        del: vec!["v:b1".into(), "u:ann".into()],
    };
    assert_eq!(deltas(&transaction), [expected]);
    assert_eq!(writer.done(&before), Verdict::Fine);
    let head = Head::decode(writer.head.as_ref().unwrap(), &writer.me.id).unwrap();
    assert_eq!((head.figures, head.users, head.connections), (Mark { seq: 2, len: 2 }, 0, 3));
}

#[test]
fn a_head_is_written_each_second_and_makes_no_noise() {
    let mut writer = written();
    let quiet = || share(&[("b1", 2)], &[]);
    let before = found(&writer);
    let ask = writer.ask(false, 1_000);
    // The count is the same as before.
    writer.next(ask, quiet(), Face::default(), &Knowledge::default(), 1_500);
    writer.done(&before);
    let nothing = Ask { figures: Extent::Nothing, rows: Extent::Nothing };
    assert!(writer.next(nothing, Share::default(), Face::default(), &Knowledge::default(), 2_400).is_none());
    let before = writer.head.clone();
    let beat = writer.next(nothing, Share::default(), Face::default(), &Knowledge::default(), 2_500).unwrap();
    assert_eq!((&beat.figures, &beat.rows, beat.hint), (&Write::Nothing, &Write::Nothing, None));
    assert_ne!(Some(beat.head), before);
}

#[test]
fn what_is_lost_is_written_whole_under_a_new_number() {
    let losses: [fn(&mut Found); 3] =
        [|found| found.head = None, |found| found.figures = 0, |found| found.head.as_mut().unwrap().push(b' ')];
    for lose in losses {
        let mut writer = written();
        let mut before = found(&writer);
        next(&mut writer, share(&[("b1", 3)], &[]), 1_100);
        lose(&mut before);
        assert_eq!(writer.done(&before), Verdict::Lost);
        let (ask, transaction) = next(&mut writer, share(&[("b1", 3)], &[]), 1_200);
        assert_eq!((ask.figures, deltas(&transaction.unwrap())), (Extent::Whole, Vec::new()));
        assert_eq!(writer.figures.seq, 3);
        assert_eq!(writer.done(&before), Verdict::Fine);
    }
}

#[test]
fn of_what_nobody_knows_the_end_everything_is_written_again() {
    let mut writer = written();
    next(&mut writer, share(&[("b1", 3)], &[]), 1_100);
    writer.failed();
    let (ask, transaction) = next(&mut writer, share(&[("b1", 3)], &[]), 1_100);
    assert_eq!((ask.figures, transaction.unwrap().rows), (Extent::Whole, Write::Gone));
    let head = writer.under_way.as_ref().unwrap().head.clone();
    assert_eq!(writer.done(&Found { head: None, figures: 9, rows: 9 }), Verdict::Fine);
    // The old one is carried out after all.
    next(&mut writer, share(&[("b1", 4)], &[]), 1_200);
    let late = Found { head: Some(b"{}".to_vec()), ..found(&writer) };
    assert_ne!(late.head, Some(head));
    assert_eq!(writer.done(&late), Verdict::Lost);
}

#[test]
fn sections_live_longer_than_until_they_are_written_whole_again() {
    let mut writer = written();
    assert_eq!(writer.ask(true, 1_000).rows, Extent::Whole);
    assert_eq!(writer.ask(false, 1_000 + WHOLE_MS - 1).figures, Extent::Changes);
    assert_eq!(writer.ask(false, 1_000 + WHOLE_MS).figures, Extent::Whole);
    const { assert!(WHOLE_MS * 2 < SECTION_LIFE_MS) };
    let ask = writer.ask(true, 1_100);
    let row = SharedRow { version: "b1".into(), route: "/".into(), user: None, ip: None };
    let rows = vec![(PublicId::random(), Some(row)), (PublicId::random(), None)];
    let share = Share { rows, ..share(&[], &[]) };
    let before = found(&writer);
    let transaction = writer.next(ask, share, Face::default(), &Knowledge::default(), 1_100).unwrap();
    assert!(matches!(&transaction.rows, Write::Whole(rows) if rows.len() == 1));
    writer.done(&before);
    assert_eq!(next(&mut writer, Share::default(), 1_200).1.unwrap().rows, Write::Gone, "nobody wants them any more");
}

#[test]
fn open_invalidations_are_written_again_as_they_age() {
    let mut writer = written();
    let mut knowledge = Knowledge::default();
    knowledge.invalidate(7, &crate::presence::exchange::Target::All, 1_000);
    let mut writes = |now| {
        let before = found(&writer);
        let ask = Ask { figures: Extent::Nothing, rows: Extent::Nothing };
        let transaction = writer.next(ask, Share::default(), Face::default(), &knowledge, now);
        let wrote = transaction.is_some_and(|transaction| transaction.figures != Write::Nothing);
        if writer.under_way.is_some() {
            writer.done(&before);
        }
        wrote
    };
    let written: Vec<bool> = [2_000, 3_000, 7_000, 8_000, 120_000, 130_000].map(&mut writes).into();
    assert_eq!(written, [true, false, true, false, true, false]);
}
