use moc_uploads_testkit::builders::{instruction, new_session, user};
use moc_uploads_testkit::clock::ManualClock;

use super::*;

fn create(generations: &mut Generations, now: Instant) -> SessionId {
    let new = new_session(
        &user("alice"),
        vec![instruction("a", 1)],
        ManualClock::START,
    );
    generations.make_room(2, now);
    let id = new.id;
    let recent = RecentSession::created(&Arc::new(new));
    generations.young.insert(id, recent);
    id
}

#[test]
fn a_session_whose_commit_fails_is_not_known() {
    let recent = Recent::default();
    recent.begin();
    let new = new_session(&user("alice"), vec![], ManualClock::START);
    let new = Arc::new(new);
    recent.note_created(&new, Some(&CreateSessionOutcome::Created));
    assert!(recent.declared_session(new.id).is_some());
    recent.note_created(&new, None);
    assert!(recent.declared_session(new.id).is_none());
}

#[test]
fn nothing_is_known_for_longer_than_two_turns() {
    let start = Instant::now();
    let at = |turns: f64| start + TURN.mul_f64(turns);
    for (created, looks, is_known) in [
        (0.0, vec![1.9], true),
        (0.0, vec![2.1], false),
        (0.0, vec![1.9, 2.1], false),
        (0.9, vec![1.1, 1.9], true),
        (0.9, vec![1.1, 2.1, 2.8], false),
        (0.0, vec![20.0], false),
    ] {
        let mut generations = Generations::new(start);
        let id = create(&mut generations, at(created));
        for look in &looks {
            generations.make_room(0, at(*look));
        }
        let found = generations.get_mut(id).is_some();
        assert_eq!(found, is_known, "created at {created}, asked at {looks:?}");
    }
}

#[test]
fn of_many_the_newest_are_known() {
    let now = Instant::now();
    let mut generations = Generations::new(now);
    let ids: Vec<_> = (0..MAX_COUNT)
        .map(|_| create(&mut generations, now))
        .collect();
    let known = |generations: &mut Generations, ids: &[SessionId]| {
        let known = ids.iter().filter(|id| generations.get_mut(**id).is_some());
        known.count()
    };
    let newest = &ids[ids.len() - MAX_COUNT / 4..];
    assert_eq!(known(&mut generations, newest), newest.len());
    assert!(known(&mut generations, &ids) <= MAX_COUNT / 2);
    // Whatever is added counts.
    generations.make_room(MAX_COUNT / 2, now);
    generations.make_room(MAX_COUNT / 2, now);
    assert_eq!(known(&mut generations, &ids), 0);
}
