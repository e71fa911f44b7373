//! What is asked of the hot state about a call.

use crate::admission::{Admit, Call, CalledModel, Preclusion};
use crate::http::RequestContext;
use crate::http::front::Front;
use crate::id::LeaseId;
use crate::money::Nanodollars;
use crate::ports::{Platform, Random as _};
use crate::token::{Scope, Verified};
use crate::upstream::{Format, ModelRoute, Passthrough, Peek};

/// How long after a call's last moment its lease runs out, in seconds.
const LEASE_MARGIN: i64 = 60;

/// Who asks, and when.
pub(super) struct Asker<'a, P: Platform> {
    pub(super) front: &'a Front<P>,
    pub(super) context: &'a RequestContext,
    pub(super) token: &'a Verified,
}

impl<P: Platform> Asker<'_, P> {
    /// Returns the question about a call to a model.
    pub(super) fn about_model(&self, format: Format, peek: &Peek, route: Option<&ModelRoute>) -> Admit {
        let preclusion = match route {
            None => Some(Preclusion::UnknownModel),
            Some(route) if !route.provider().serves(format) => Some(Preclusion::OtherForm),
            Some(_) => None,
        };
        let provider = route.map(|route| route.provider().name()).unwrap_or_default();
        let call = self.call(format.path(), &peek.model, provider, peek.stream);
        let model = route.map_or(peek.model.as_str(), |route| route.model(&peek.model));
        let general = self.about(call, CalledModel::Named(model), Scope::Llm);
        let preclusion = general.preclusion.or(preclusion);
        if format.is_free() {
            return Admit { preclusion, ..free(general) };
        }
        let price = route.and_then(ModelRoute::price);
        let name = route.map(ModelRoute::name).unwrap_or_default();
        let expected = self.front.estimator().expected(name, &peek.size);
        let estimate = price.map_or(Nanodollars::ZERO, |price| price.cost(&expected, None).amount);
        Admit { preclusion, priced: price.is_some(), estimate, tokens: expected.uncached(), ..general }
    }

    /// Returns the question about a call that is passed on without being read.
    pub(super) fn about_passthrough(&self, path: &str, passthrough: &Passthrough) -> Admit {
        let call = self.call(path, "", passthrough.provider.name(), false);
        let general = self.about(call, CalledModel::Unread, Scope::Llm);
        if passthrough.cost == Nanodollars::ZERO {
            return free(general);
        }
        Admit { estimate: passthrough.cost, ..general }
    }

    /// Returns the question about a request that calls nobody.
    pub(super) fn about_nothing(&self, scope: Scope) -> Admit {
        free(self.about(self.call("", "", "", false), CalledModel::None, scope))
    }

    /// Returns a question that holds nothing, under every budget.
    fn about(&self, call: Call, model: CalledModel, scope: Scope) -> Admit {
        let (front, token) = (self.front, self.token);
        let now = front.now();
        Admit {
            now,
            lease: LeaseId::new(self.context.at, front.platform().random().bytes()),
            user: token.user,
            token: token.token,
            epoch: token.epoch,
            signed_in_since: front.config().tokens.require_sign_in_within.map(|within| now.plus(-within.get())),
            preclusion: (!token.scopes.contains(scope)).then_some(Preclusion::Scope),
            priced: true,
            is_free: false,
            rules: front.rules().about(model, scope),
            tokens: 0,
            estimate: Nanodollars::ZERO,
            expiry: now.plus(front.config().upstream.max_duration.get() + LEASE_MARGIN),
            // The usage event tells the same time: its sums are of the same windows.
            calendar: front.calendar(self.context.at.seconds()),
            budgets: front.budgets(),
            call,
        }
    }

    fn call(&self, path: &str, model: &str, provider: &str, stream: bool) -> Call {
        Call {
            at: self.context.at,
            request: self.context.id.clone(),
            route: path.to_owned(),
            model: model.to_owned(),
            provider: provider.to_owned(),
            stream,
            address: self.context.address.clone(),
            user_agent: self.context.user_agent.clone(),
            session: self.context.session.clone(),
        }
    }
}

/// Makes of a question one that no budget can keep from being answered with yes.
fn free(question: Admit) -> Admit {
    Admit { is_free: true, budgets: Vec::new().into(), ..question }
}
