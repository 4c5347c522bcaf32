//! Random events, as anybody could write them into the table, and random questions.

use moc_uploads_core::analytics::EventType;
use moc_uploads_core::analytics_report::{AnalyticsFilter, AnalyticsQuery};
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::principal::UserId;
use moc_uploads_core::time::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

pub(crate) const SESSION_COUNT: u128 = 6;
pub(crate) const USERS: [&str; 3] = ["alice", "bob", "o'neill"];

/// A row, as it is put in.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) session: u128,
    pub(crate) event_type: String,
    pub(crate) metadata: Option<String>,
    pub(crate) at: Timestamp,
}

/// What happens to the table. Rows are named by their position, modulo how many there are.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Insert(Vec<Row>),
    Delete(Vec<usize>),
    /// The row becomes this one, but for its id.
    Update(usize, Row),
    DeleteSession(u128),
    Truncate,
    Prepare,
}

#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) changes: Vec<Change>,
    pub(crate) queries: Vec<AnalyticsQuery>,
}

pub(crate) fn session_id(session: u128) -> SessionId {
    SessionId(Uuid::from_u128(0x1000 + session))
}

pub(crate) fn owner(session: u128) -> &'static str {
    USERS[usize::try_from(session).unwrap() % USERS.len()]
}

pub(crate) fn script(now: Timestamp) -> impl Strategy<Value = Script> {
    let changes = prop_oneof![
        6 => vec(row(now), 1..40).prop_map(Change::Insert),
        2 => vec(any::<usize>(), 1..8).prop_map(Change::Delete),
        2 => (any::<usize>(), row(now)).prop_map(|(at, row)| Change::Update(at, row)),
        1 => (0..SESSION_COUNT).prop_map(Change::DeleteSession),
        1 => Just(Change::Truncate),
        2 => Just(Change::Prepare),
    ];
    (vec(changes, 1..8), vec(query(now), 1..5))
        .prop_map(|(changes, queries)| Script { changes, queries })
}

/// The ends of the calendar: the years 0 to 9999.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

/// From some hours ago to some hours ahead, now and then the first hour there is or the last; often
/// exactly on the hour, or just before it.
fn instant(now: Timestamp) -> impl Strategy<Value = Timestamp> {
    const HOUR: i64 = 3_600_000;
    let hour = now.unix_ms() / HOUR * HOUR;
    let hours = prop_oneof![
        14 => (-6i64..3).prop_map(move |hours| hour + hours * HOUR),
        1 => select(vec![FIRST, LAST + 1 - HOUR]),
    ];
    let within = prop_oneof![Just(0), Just(1), Just(HOUR - 1), 0..HOUR];
    (hours, within).prop_map(|(hour, within)| Timestamp::from_unix_ms(hour + within))
}

fn row(now: Timestamp) -> impl Strategy<Value = Row> {
    let own = select(EventType::ALL.map(EventType::as_str).to_vec());
    let odd = select(vec![
        "",
        "SESSION_CREATED",
        "upload naïve",
        "it's",
        "_2345678901234567890123456789012345678901234567890",
    ]);
    let event_type = prop_oneof![9 => own, 1 => odd].prop_map(str::to_owned);
    (
        any::<u128>(),
        0..SESSION_COUNT,
        event_type,
        metadata(),
        instant(now),
    )
        .prop_map(|(id, session, event_type, metadata, at)| Row {
            id: Uuid::from_u128(id),
            session,
            event_type,
            metadata,
            at,
        })
}

fn metadata() -> impl Strategy<Value = Option<String>> {
    let number = || {
        let odd = select(vec![
            "0",
            "0.4",
            "12.75",
            "-3",
            "-0.5",
            "5e3",
            "9007199254740991",
            "9007199254740992",
            "1e30",
            "\"5\"",
            "true",
            "null",
            "[5]",
            "{}",
        ]);
        let whole = prop_oneof![
            0..20u64,
            0..100_000u64,
            9_007_199_254_740_000u64..9_007_199_254_740_991
        ];
        let whole = whole.prop_map(|number| number.to_string());
        option::of(prop_oneof![3 => whole, 1 => odd.prop_map(str::to_owned)])
    };
    let reason = option::of(select(vec![
        "\"CANCELLED\"",
        "\"SESSION_EXPIRED\"",
        "\"UNKNOWN\"",
        "\"\"",
        "\"é'$\\\"\"",
        "5",
        "null",
        "[]",
    ]));
    let object = (number(), number(), reason).prop_map(|(elapsed, size, reason)| {
        let members = [
            elapsed.map(|value| format!("\"elapsed_time_ms\": {value}")),
            size.map(|value| format!("\"total_size_bytes\": {value}")),
            reason.map(|value| format!("\"failure_reason\": {value}")),
            Some("\"user_id\": \"mallory\"".to_owned()),
        ];
        Some(format!(
            "{{{}}}",
            members.into_iter().flatten().collect::<Vec<_>>().join(", ")
        ))
    });
    let odd = select(vec![
        None,
        Some("null"),
        Some("[]"),
        Some("[1]"),
        Some("\"text\""),
        Some("5"),
        Some("{}"),
    ]);
    prop_oneof![6 => object, 1 => odd.prop_map(|text| text.map(str::to_owned))]
}

fn query(now: Timestamp) -> impl Strategy<Value = AnalyticsQuery> {
    let types = vec(select(EventType::ALL.to_vec()), 0..3);
    let user = option::weighted(0.3, select(USERS.to_vec()));
    let range = (option::of(instant(now)), option::of(instant(now)));
    (range, types, user, 0..60u32, prop_oneof![0..5u64, 0..60u64]).prop_map(
        |((from, to), event_types, user, limit, offset)| AnalyticsQuery {
            filter: AnalyticsFilter {
                from,
                to,
                user_id: user.map(UserId::new),
                event_types,
            },
            limit,
            offset,
        },
    )
}
