//! Dates and times of chrono and time.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset, Weekday};

#[macro_use]
mod cases;
mod support;

fn chrono<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn date() -> Date {
    Date::from_calendar_date(2024, Month::February, 29).unwrap()
}

fn time() -> Time {
    Time::from_hms_nano(23, 59, 59, 999_999_999).unwrap()
}

fn moment() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH.to_offset(UtcOffset::from_hms(-1, -2, -3).unwrap())
}

cases! {
    chrono_date_time: DateTime<Utc> = Bincode [
        chrono("2024-02-29T23:59:59.999999999Z"), chrono("1969-12-31T23:59:59Z"), DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC,
    ];
    chrono_date_time_with_offset: DateTime<FixedOffset> = Bincode [chrono("2024-02-29T23:59:59+05:30")];
    chrono_date: NaiveDate = Bincode [chrono("2024-02-29"), NaiveDate::MIN];
    chrono_time: NaiveTime = Bincode [chrono("23:59:60.5"), NaiveTime::MIN];
    chrono_naive_date_time: NaiveDateTime = Bincode [chrono("2024-02-29T23:59:59.1")];
    chrono_delta: TimeDelta = Bincode [TimeDelta::new(-1, 5).unwrap(), TimeDelta::MAX];
    chrono_weekday: chrono::Weekday = Cbor alone Bincode [chrono::Weekday::Sun];
    chrono_month: chrono::Month = Cbor alone Bincode [chrono::Month::May];
    time_date: Date = Bincode [date(), Date::MIN];
    time_time: Time = Bincode [time(), Time::MIDNIGHT];
    time_date_time: OffsetDateTime = Bincode [OffsetDateTime::UNIX_EPOCH, moment()];
    time_primitive_date_time: PrimitiveDateTime = Bincode [PrimitiveDateTime::new(date(), time())];
    time_duration: time::Duration = Bincode [time::Duration::new(-1, -5), time::Duration::MAX];
    time_offset: UtcOffset = Bincode [UtcOffset::UTC, UtcOffset::from_hms(-1, -2, -3).unwrap()];
    time_week_and_month: (Weekday, Month) = Bincode [(Weekday::Sunday, Month::May)];
}
