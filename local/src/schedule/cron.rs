//! AWS's cron: minutes, hours, day of month, month, day of week (1 is Sunday), year.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// Days searched for the next time: leap days can be eight years apart.
const HORIZON: usize = 366 * 9;
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A parsed cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// Exactly one of the two day fields counts; the other is `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<i16>),
    LastOfMonth,
    OfWeek(BTreeSet<i16>),
}

/// The values a field may have, and their names.
struct Field {
    name: &'static str,
    first: i16,
    last: i16,
    names: &'static [&'static str],
}

impl Cron {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let &[minutes, hours, day, month, weekday, year] = fields.as_slice() else {
            return Err(format!("cron has six fields, not {}", fields.len()));
        };
        let days = match (day, weekday) {
            ("L", "?") => Days::LastOfMonth,
            (day, "?") => Days::OfMonth(field("day of month", 1, 31, &[]).parse(day)?),
            ("?", weekday) => Days::OfWeek(field("day of week", 1, 7, &WEEKDAYS).parse(weekday)?),
            _ => return Err("one of day of month and day of week must be ?".to_owned()),
        };
        Ok(Self {
            minutes: field("minutes", 0, 59, &[]).parse(minutes)?,
            hours: field("hours", 0, 23, &[]).parse(hours)?,
            days,
            months: field("month", 1, 12, &MONTHS).parse(month)?,
            years: field("year", 1970, 2199, &[]).parse(year)?,
        })
    }

    /// The first minute after `time` that the expression names, within [`HORIZON`].
    pub(super) fn next(&self, time: Timestamp) -> Option<Timestamp> {
        let now = TimeZone::UTC.to_datetime(time);
        let dates = now.date().series(1.day()).take(HORIZON);
        let times = dates
            .filter(|date| self.names(*date))
            .flat_map(|date| self.minutes_of(date));
        let due = times.into_iter().find(|due| *due > now)?;
        TimeZone::UTC.to_timestamp(due).ok()
    }

    fn names(&self, date: Date) -> bool {
        let day = match &self.days {
            Days::OfMonth(days) => days.contains(&date.day().into()),
            Days::LastOfMonth => date.day() == date.days_in_month(),
            Days::OfWeek(days) => days.contains(&date.weekday().to_sunday_one_offset().into()),
        };
        day && self.months.contains(&date.month().into()) && self.years.contains(&date.year())
    }

    fn minutes_of(&self, date: Date) -> impl Iterator<Item = jiff::civil::DateTime> {
        self.hours.iter().flat_map(move |&hour| {
            self.minutes.iter().filter_map(move |&minute| {
                let hour = i8::try_from(hour).ok()?;
                Some(date.at(hour, i8::try_from(minute).ok()?, 0, 0))
            })
        })
    }
}

const fn field(name: &'static str, first: i16, last: i16, names: &'static [&'static str]) -> Field {
    Field {
        name,
        first,
        last,
        names,
    }
}

impl Field {
    /// A list of values, ranges and steps.
    fn parse(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let mut values = BTreeSet::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step)?)),
                None => (part, None),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (self.first, self.last),
                Some((first, last)) => (self.value(first)?, self.value(last)?),
                // `5/15` is from 5 on.
                None if step.is_some() => (self.value(range)?, self.last),
                None => (self.value(range)?, self.value(range)?),
            };
            if first > last {
                return Err(format!("{}: {range} runs backwards", self.name));
            }
            values.extend((first..=last).step_by(step.unwrap_or(1)));
        }
        Ok(values)
    }

    fn step(&self, text: &str) -> Result<usize, String> {
        let step = text.parse().ok().filter(|step| *step > 0);
        step.ok_or_else(|| format!("{}: {text:?} is no step", self.name))
    }

    fn value(&self, text: &str) -> Result<i16, String> {
        let named = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(index) => i16::try_from(index).ok().map(|index| index + self.first),
            None => text.parse().ok(),
        };
        value
            .filter(|value| (self.first..=self.last).contains(value))
            .ok_or_else(|| format!("{}: {text:?} is not known here", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, time: &str) -> String {
        let cron = Cron::parse(cron).unwrap();
        let next = cron.next(time.parse().unwrap());
        next.map(|next| next.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_examples_of_the_user_guide() {
        // A Tuesday.
        let now = "2026-11-24T16:34:16Z";
        assert_eq!(next("0 10 * * ? *", now), "2026-11-25T10:00:00Z");
        assert_eq!(next("15 12 * * ? *", now), "2026-11-25T12:15:00Z");
        assert_eq!(next("0 18 ? * MON-FRI *", now), "2026-11-24T18:00:00Z");
        assert_eq!(next("0 8 1 * ? *", now), "2026-12-01T08:00:00Z");
        assert_eq!(next("0/15 * * * ? *", now), "2026-11-24T16:45:00Z");
        assert_eq!(next("0/10 * ? * MON-FRI *", now), "2026-11-24T16:40:00Z");
        assert_eq!(next("0 9 ? * 1 *", now), "2026-11-29T09:00:00Z");
        assert_eq!(next("0 0 L * ? *", now), "2026-11-30T00:00:00Z");
        assert_eq!(next("30 1,13 ? jan SAT *", now), "2027-01-02T01:30:00Z");
    }

    #[test]
    fn rare_and_past_times() {
        let now = "2026-11-24T16:34:16Z";
        assert_eq!(next("0 0 29 2 ? *", now), "2028-02-29T00:00:00Z");
        assert_eq!(next("0 0 1 1 ? 2020", now), "");
        assert_eq!(next("34 16 * * ? *", now), "2026-11-25T16:34:00Z");
    }
}
