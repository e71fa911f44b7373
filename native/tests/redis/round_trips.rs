//! How often the server is asked.

use gateway_core::admission::{Cancel, Verdict};
use gateway_core::conformance::fixture::{START, admit, budget, lease_id, session, settlement, ticket};
use gateway_core::conformance::hot::install_all;
use gateway_core::money::{BudgetScope, WindowKind};
use gateway_core::ports::{Admission as _, Sessions as _, Usage as _};

use crate::support::{block_on, server, store_on};

#[test]
fn asks_once_for_each_admit_settle_and_cancel() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        let budgets = [budget(BudgetScope::DefaultUser, WindowKind::Daily, 1000)];
        for round in [0, 10] {
            // The first time the server is sent each script.
            for (operation, lease) in [("settle", round + 1), ("cancel", round + 2)] {
                transport.take();
                hot.admit(&admit(1, lease, START, 10, &budgets)).await.unwrap();
                let admitted = transport.take();
                match operation {
                    "settle" => hot.settle(&settlement(lease, START, 5)).await.unwrap(),
                    _ => hot.cancel(Cancel { lease: lease_id(lease), now: START }).await.unwrap(),
                }
                if round > 0 {
                    assert_eq!((admitted, transport.take()), (vec!["EVALSHA".to_owned()], vec!["EVALSHA".to_owned()]));
                }
            }
        }
    });
}

#[test]
fn asks_twice_about_a_session_and_about_a_lease_of_other_windows() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        hot.open_session(&session(1)).await.unwrap();
        for lease in 1..=2 {
            hot.admit(&admit(1, lease, START, 10, &[])).await.unwrap();
            // Another process, or one whose last call was admitted on another day.
            let other = store_on(&transport, "main");
            if lease == 2 {
                other.admit(&admit(1, 9, START.plus(86400), 10, &[])).await.unwrap();
            }
            other.session(&ticket(1).hash(), START).await.unwrap();
            transport.take();
            other.session(&ticket(1).hash(), START).await.unwrap();
            assert_eq!(transport.take().len(), 2);
            other.settle(&settlement(lease, START, 5)).await.unwrap();
            let sent = transport.take();
            assert_eq!(sent.iter().filter(|command| *command == "EVALSHA").count(), 2, "{sent:?}");
        }
        assert_eq!(hot.pending_usage(9).await.unwrap().0.len(), 2);
    });
}

#[test]
fn answers_a_repeated_admit_by_the_windows_of_the_first() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        let budgets = [budget(BudgetScope::DefaultUser, WindowKind::Daily, 100)];
        let first = hot.admit(&admit(1, 1, START, 60, &budgets)).await.unwrap();
        assert!(matches!(first, Verdict::Admitted(_)));
        assert_eq!(hot.admit(&admit(1, 1, START.plus(86400), 60, &budgets)).await.unwrap(), first);
    });
}
