//! Budgets, as scripts are told of them and tell of them.

use super::script::{Answer, unexpected};
use super::windows::{number, numbered};
use crate::money::{Budget, BudgetScope, BudgetSource, BudgetState, Calendar, Nanodollars};
use crate::ports::Unavailable;

/// Returns what a script is told about a budget: scope, window, limit.
pub(super) fn described(budget: &Budget) -> [String; 3] {
    [budget.scope.clone().into(), number(budget.window), budget.limit.0.to_string()]
}

/// Reads how a budget stands: source, scope, window, limit, spent, held.
pub(super) fn state(answer: &mut Answer, calendar: &Calendar) -> Result<BudgetState, Unavailable> {
    let source = match answer.text()?.as_str() {
        "config" => BudgetSource::Config,
        "api" => BudgetSource::Api,
        _ => return Err(unexpected()),
    };
    let scope = BudgetScope::try_from(answer.text()?).map_err(|_| unexpected())?;
    let window = numbered(&answer.text()?).ok_or_else(unexpected)?;
    let [limit, spent, held] = [answer.read()?, answer.read()?, answer.read()?].map(Nanodollars);
    let reset = calendar.window(window).end;
    Ok(BudgetState { budget: Budget { scope, window, limit }, source, spent, held, reset })
}
