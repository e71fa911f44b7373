//! Sums by what somebody asks for: rows of days, people, tokens, models, providers or groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{DaySum, DaySumKey, Dimension, RollUp, RollUpKey};
use crate::id::{TokenId, UserId};

/// By what sums can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The day.
    Day,
    /// Who called.
    User,
    /// With which token.
    Token,
    /// The model asked for.
    Model,
    /// The configured provider.
    Provider,
    /// A group that the caller was in.
    Group,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Day, Self::User, Self::Token, Self::Model, Self::Provider, Self::Group];

    /// Returns its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::User => "user",
            Self::Token => "token",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Group => "group",
        }
    }
}

/// Why a text says nothing of how sums are told apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBreakdown {
    /// There is no such thing.
    #[error("{0:?} is not one of day, user, token, model, provider and group")]
    Unknown(String),
    /// It stands twice.
    #[error("{} stands twice", .0.name())]
    Twice(By),
    /// Groups overlap, and it is not kept who called in which.
    #[error("group goes alone or with day")]
    Group,
}

/// By what sums are told apart: each thing once. By nothing, there are no rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breakdown(Vec<By>);

/// What the calls of a row have in common; what is told apart, that is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Facts {
    /// The day, such as `2026-11-23`.
    pub day: Option<String>,
    /// Who called.
    pub user: Option<UserId>,
    /// With which token.
    pub token: Option<TokenId>,
    /// The model asked for.
    pub model: Option<String>,
    /// The configured provider.
    pub provider: Option<String>,
    /// A group that the caller was in.
    pub group: Option<String>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which calls it is about.
    pub facts: Facts,
    /// What they add up to.
    pub sum: DaySum,
}

impl Breakdown {
    /// Tells apart by these things.
    #[must_use]
    pub fn of(things: &[By]) -> Self {
        Self(things.to_vec())
    }

    /// Reads names that are separated by commas.
    ///
    /// # Errors
    ///
    /// [`InvalidBreakdown`]
    pub fn parse(text: &str) -> Result<Self, InvalidBreakdown> {
        let mut things = Vec::new();
        for name in text.split(',') {
            let thing = By::ALL.into_iter().find(|thing| thing.name() == name);
            let thing = thing.ok_or_else(|| InvalidBreakdown::Unknown(name.to_owned()))?;
            if things.contains(&thing) {
                return Err(InvalidBreakdown::Twice(thing));
            }
            things.push(thing);
        }
        if things.contains(&By::Group) && things.iter().any(|thing| !matches!(thing, By::Group | By::Day)) {
            return Err(InvalidBreakdown::Group);
        }
        Ok(Self(things))
    }

    /// Returns what is told apart, in the order asked for.
    #[must_use]
    pub fn things(&self) -> &[By] {
        &self.0
    }

    /// Says whether something is told apart.
    #[must_use]
    pub fn has(&self, thing: By) -> bool {
        self.0.contains(&thing)
    }

    /// Says whether rows tell something, because it is told apart or goes with what is: whose a token is does.
    #[must_use]
    pub fn keeps(&self, thing: By) -> bool {
        self.has(thing) || (thing == By::User && self.has(By::Token))
    }

    /// Returns which of the days' sums say all that is asked for; `None` if only the roll-ups do.
    #[must_use]
    pub fn dimension(&self) -> Option<Dimension> {
        let mut others = self.0.iter().filter(|thing| **thing != By::Day);
        match (others.next(), others.next()) {
            (None, _) => Some(Dimension::All),
            (Some(By::User), None) => Some(Dimension::User),
            (Some(By::Model), None) => Some(Dimension::Model),
            (Some(By::Group), None) => Some(Dimension::Group),
            _ => None,
        }
    }

    /// Adds rows up that have in common what is told apart, and puts them in order: by day if that is, then the most expensive first, then
    /// the one with the most calls, then by name.
    #[must_use]
    pub fn rows(&self, all: impl IntoIterator<Item = Row>) -> Vec<Row> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut sums = BTreeMap::new();
        for row in all {
            self.add(&mut sums, row);
        }
        let mut rows: Vec<Row> = sums.into_iter().map(|(facts, sum)| Row { facts, sum }).collect();
        // Days are told in one format, which sorts. It is stable: names are in order already.
        rows.sort_by_cached_key(|row| {
            let RollUp { cost, requests, .. } = row.sum.usage;
            (row.facts.day.clone(), Reverse((cost, requests)))
        });
        rows
    }

    /// Adds a row to those that have in common with it what is told apart.
    pub(super) fn add(&self, sums: &mut BTreeMap<Facts, DaySum>, Row { facts, sum }: Row) {
        let kept = Facts {
            day: facts.day.filter(|_| self.keeps(By::Day)),
            user: facts.user.filter(|_| self.keeps(By::User)),
            token: facts.token.filter(|_| self.keeps(By::Token)),
            model: facts.model.filter(|_| self.keeps(By::Model)),
            provider: facts.provider.filter(|_| self.keeps(By::Provider)),
            group: facts.group.filter(|_| self.keeps(By::Group)),
        };
        sums.entry(kept).or_default().add(&sum);
    }
}

impl Row {
    /// Adds all rows up.
    #[must_use]
    pub fn total(rows: &[Self]) -> DaySum {
        let mut total = DaySum::default();
        for row in rows {
            total.add(&row.sum);
        }
        total
    }

    /// Makes a row of a roll-up.
    #[must_use]
    pub fn of_roll_up((key, usage): (RollUpKey, RollUp)) -> Self {
        let RollUpKey { day, user, token, model, provider } = key;
        let facts = Facts {
            day: Some(day),
            user: Some(user),
            token: Some(token),
            model: Some(model),
            provider: Some(provider),
            group: None,
        };
        Self { facts, sum: DaySum { usage, ..DaySum::default() } }
    }

    /// Makes a row of a day's sum.
    #[must_use]
    pub fn of_day((key, sum): (DaySumKey, DaySum)) -> Self {
        let DaySumKey { dimension, day, name } = key;
        let mut facts = Facts { day: Some(day), ..Facts::default() };
        match dimension {
            Dimension::All => {}
            Dimension::User => facts.user = name.parse().ok(),
            Dimension::Model => facts.model = Some(name),
            Dimension::Group => facts.group = Some(name),
        }
        Self { facts, sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Nanodollars;

    fn row(day: &str, model: &str, provider: &str, (requests, cost): (i64, i64)) -> Row {
        let usage = RollUp { requests, cost: Nanodollars(cost), ..RollUp::default() };
        let facts = Facts {
            day: Some(day.to_owned()),
            model: Some(model.to_owned()),
            provider: Some(provider.to_owned()),
            ..Facts::default()
        };
        Row { facts, sum: DaySum { usage, ..DaySum::default() } }
    }

    fn told(breakdown: &str, rows: &[Row]) -> Vec<(Option<String>, Option<String>, i64)> {
        let rows = Breakdown::parse(breakdown).unwrap().rows(rows.to_vec());
        rows.into_iter().map(|row| (row.facts.day, row.facts.model, row.sum.usage.cost.0)).collect()
    }

    fn is(day: &str, model: &str, cost: i64) -> (Option<String>, Option<String>, i64) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (some(day), some(model), cost)
    }

    #[test]
    fn adds_up_what_is_not_told_apart() {
        let rows = [row("1", "a", "p", (1, 5)), row("1", "a", "q", (1, 6)), row("2", "b", "p", (1, 7))];
        assert_eq!(told("model", &rows), [is("", "a", 11), is("", "b", 7)]);
        assert_eq!(told("day", &rows), [is("1", "", 11), is("2", "", 7)]);
        assert_eq!(told("provider", &rows), [is("", "", 12), is("", "", 6)]);
        assert_eq!(Breakdown::default().rows(rows.to_vec()), []);
    }

    #[test]
    fn puts_days_first_and_then_the_most_expensive() {
        let rows = [
            row("2", "c", "", (1, 9)),
            row("1", "b", "", (1, 5)),
            row("1", "a", "", (1, 5)),
            row("1", "d", "", (2, 5)),
        ];
        let by_day = [is("1", "d", 5), is("1", "a", 5), is("1", "b", 5), is("2", "c", 9)];
        assert_eq!(told("day,model", &rows), by_day);
        assert_eq!(told("model,day", &rows), by_day);
        assert_eq!(told("model", &rows), [is("", "c", 9), is("", "d", 5), is("", "a", 5), is("", "b", 5)]);
    }

    #[test]
    fn refuses_what_nothing_is_kept_by() {
        let refused = |text: &str| Breakdown::parse(text).unwrap_err();
        assert_eq!(refused("day,colour"), InvalidBreakdown::Unknown("colour".to_owned()));
        assert_eq!(refused("Day"), InvalidBreakdown::Unknown("Day".to_owned()));
        assert_eq!(refused("day,"), InvalidBreakdown::Unknown(String::new()));
        assert_eq!(refused("day,user,day"), InvalidBreakdown::Twice(By::Day));
        assert_eq!(refused("group,user"), InvalidBreakdown::Group);
    }

    #[test]
    fn reads_roll_ups_only_where_nothing_less_will_do() {
        let dimension = |text: &str| Breakdown::parse(text).unwrap().dimension();
        assert_eq!(Breakdown::default().dimension(), Some(Dimension::All));
        for (text, expected) in [
            ("day", Dimension::All),
            ("user", Dimension::User),
            ("model,day", Dimension::Model),
            ("day,group", Dimension::Group),
        ] {
            assert_eq!(dimension(text), Some(expected), "{text}");
        }
        for text in ["token", "provider", "user,model", "day,user,token"] {
            assert_eq!(dimension(text), None, "{text}");
        }
    }
}
