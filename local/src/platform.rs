//! The adapters of one process that is both front and control plane.

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use gateway_core::control::{Actor, Authority};
use gateway_core::http::MAX_ANSWER;
use gateway_core::ports::{ControlPlane, Platform, Unavailable};
use gateway_native::host::{SystemClock, SystemRandom};
use gateway_native::http_client::HttpClient;
use tower::ServiceExt as _;

use crate::background::TokioBackground;
use crate::local_hot::LocalHot;
use crate::local_records::LocalRecords;

/// What the control plane is made of.
#[derive(Clone)]
pub(crate) struct LocalAuthority {
    pub(crate) records: LocalRecords,
    pub(crate) hot: LocalHot,
}

impl Authority for LocalAuthority {
    type Records = LocalRecords;
    type Hot = LocalHot;
    type Clock = SystemClock;
    type Random = SystemRandom;

    fn records(&self) -> &LocalRecords {
        &self.records
    }

    fn hot(&self) -> &LocalHot {
        &self.hot
    }

    fn clock(&self) -> &SystemClock {
        &SystemClock
    }

    fn random(&self) -> &SystemRandom {
        &SystemRandom
    }
}

/// What the front is made of.
#[derive(Clone)]
pub(crate) struct LocalPlatform {
    pub(crate) hot: LocalHot,
    pub(crate) http: HttpClient,
    pub(crate) background: TokioBackground,
    pub(crate) control: LocalControl,
}

impl Platform for LocalPlatform {
    type Hot = LocalHot;
    type Clock = SystemClock;
    type Random = SystemRandom;
    type Http = HttpClient;
    type Background = TokioBackground;
    type Control = LocalControl;

    fn hot(&self) -> &LocalHot {
        &self.hot
    }

    fn clock(&self) -> &SystemClock {
        &SystemClock
    }

    fn random(&self) -> &SystemRandom {
        &SystemRandom
    }

    fn http(&self) -> &HttpClient {
        &self.http
    }

    fn background(&self) -> &TokioBackground {
        &self.background
    }

    fn control(&self) -> &LocalControl {
        &self.control
    }
}

/// The control plane in the same process: a function call.
#[derive(Clone)]
pub(crate) struct LocalControl(pub(crate) Router);

impl ControlPlane for LocalControl {
    async fn call(&self, actor: &Actor, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Unavailable> {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(actor.clone());
        let answer = self.0.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, MAX_ANSWER).await.map_err(|error| Unavailable::new("the control plane", error))?;
        Ok(http::Response::from_parts(parts, body))
    }
}
