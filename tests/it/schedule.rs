//! The schedule against clocks that don't go as they should, and two replicas.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::civil::{Date, Time, date, time};
use sqlx::{AnyConnection, Connection, Executor};
use zoufang::db::{Store, StoreError};
use zoufang::schedule::{Done, Job, NIGHT, Schedule, USUAL, When};

use crate::support::{Fixture, on_both};

const AT: Time = time(8, 30, 0, 0);

/// A schedule of a daily and a minutely job, and how often each ran.
fn counted(store: &Store) -> (Arc<Schedule>, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (daily, often) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let job = |name, when, count: &Arc<AtomicUsize>| {
        let count = Arc::clone(count);
        Job {
            name,
            title: name,
            when,
            longest: USUAL,
            work: Arc::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
                Box::pin(async { Ok("done".to_owned().into()) })
            }),
        }
    };
    let jobs = vec![
        job("daily", When::DailyAt(AT), &daily),
        job("often", When::Every(Duration::from_secs(60)), &often),
    ];
    (Arc::new(Schedule::new(store.clone(), jobs)), daily, often)
}

async fn run(schedule: &Schedule) {
    for job in schedule.run_due().await {
        job.await.unwrap();
    }
}

fn set(fixture: &Fixture, on: Date, at: Time) {
    fixture.clock.set(fixture.clock.instant(on.to_datetime(at)));
}

on_both!(each_day_has_its_slot_once_over_a_leap_day_too, async |fixture: Fixture| {
    let (mut day, mut days) = (date(2024, 2, 27), 0);
    set(&fixture, day, time(8, 29, 0, 0));
    let (schedule, daily, _) = counted(&fixture.store);
    run(&schedule).await;
    let before = daily.load(Ordering::SeqCst);
    while day <= date(2024, 3, 2) {
        for at in [time(8, 30, 0, 0), time(8, 30, 1, 0), time(23, 59, 59, 0)] {
            set(&fixture, day, at);
            run(&schedule).await;
        }
        days += 1;
        assert_eq!(daily.load(Ordering::SeqCst) - before, days, "{day}");
        day = day.tomorrow().unwrap();
    }
    assert_eq!(days, 5, "29 February is one of them");
});

on_both!(a_suspended_machine_makes_up_the_last_slot_once, async |fixture: Fixture| {
    set(&fixture, date(2022, 3, 1), time(9, 0, 0, 0));
    let (schedule, daily, often) = counted(&fixture.store);
    run(&schedule).await;
    // The lid is closed for four days.
    set(&fixture, date(2022, 3, 5), time(16, 0, 0, 0));
    run(&schedule).await;
    run(&schedule).await;
    assert_eq!((daily.load(Ordering::SeqCst), often.load(Ordering::SeqCst)), (2, 2));
});

on_both!(
    a_clock_that_steps_back_neither_repeats_nor_stops_the_schedule,
    async |fixture: Fixture| {
        set(&fixture, date(2022, 3, 1), time(10, 0, 0, 0));
        let (schedule, daily, often) = counted(&fixture.store);
        run(&schedule).await;
        // Back to before the slot that was run: it isn't run again when it comes again.
        set(&fixture, date(2022, 3, 1), time(8, 0, 0, 0));
        run(&schedule).await;
        let after_step = often.load(Ordering::SeqCst);
        assert_eq!(after_step, 2, "what runs each minute goes on");
        for minute in 25..40 {
            set(&fixture, date(2022, 3, 1), time(8, minute, 0, 0));
            run(&schedule).await;
        }
        assert_eq!(often.load(Ordering::SeqCst), after_step + 15);
        // The slots of 28 February and 1 March, each once more at the most: what they owe is owed once anyway.
        assert!(daily.load(Ordering::SeqCst) <= 3, "{daily:?}");
    }
);

on_both!(a_clock_that_was_years_ahead_doesnt_stop_the_schedule, async |fixture: Fixture| {
    set(&fixture, date(2032, 3, 1), time(10, 0, 0, 0));
    let (schedule, daily, often) = counted(&fixture.store);
    for minute in 0..5 {
        set(&fixture, date(2032, 3, 1), time(10, minute, 0, 0));
        run(&schedule).await;
    }
    set(&fixture, date(2022, 3, 1), time(10, 0, 0, 0));
    let ahead = (daily.load(Ordering::SeqCst), often.load(Ordering::SeqCst));
    for day in 1..=3 {
        for second in 0..3 {
            set(&fixture, date(2022, 3, day), time(10, 0, second, 0));
            run(&schedule).await;
        }
    }
    let real = (daily.load(Ordering::SeqCst) - ahead.0, often.load(Ordering::SeqCst) - ahead.1);
    assert_eq!(real, (3, 3), "one slot a day, and one of each minute");
});

on_both!(two_replicas_run_each_slot_once, async |fixture: Fixture| {
    set(&fixture, date(2022, 3, 1), time(9, 0, 0, 0));
    let other = fixture.reopened().await;
    let ((one, daily_one, often_one), (two, daily_two, often_two)) =
        (counted(&fixture.store), counted(&other));
    for minute in 0..10 {
        set(&fixture, date(2022, 3, 1), time(9, minute, 0, 0));
        tokio::join!(run(&one), run(&two));
    }
    let both = |one: &AtomicUsize, two: &AtomicUsize| {
        one.load(Ordering::SeqCst) + two.load(Ordering::SeqCst)
    };
    assert_eq!((both(&daily_one, &daily_two), both(&often_one, &often_two)), (1, 10));
});

/// A daily job that fails until it has been tried so often.
fn failing(store: &Store, times: usize) -> (Arc<Schedule>, Arc<AtomicUsize>) {
    let tried = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tried);
    let work: zoufang::schedule::Work = Arc::new(move || {
        let fails = count.fetch_add(1, Ordering::SeqCst) < times;
        Box::pin(async move {
            if fails {
                Err(StoreError::Rule("断了".to_owned()))
            } else {
                Ok("done".to_owned().into())
            }
        })
    });
    let when = When::DailyAt(AT);
    let job = Job { name: "daily", title: "每天的", when, longest: USUAL, work };
    (Arc::new(Schedule::new(store.clone(), vec![job])), tried)
}

on_both!(a_daily_job_that_failed_is_tried_again_that_day, async |fixture: Fixture| {
    set(&fixture, date(2022, 3, 1), time(9, 0, 0, 0));
    let (schedule, tried) = failing(&fixture.store, 2);
    run(&schedule).await;
    let runs = fixture.store.last_runs().await.unwrap();
    let next = schedule.jobs()[0].next(runs.get("daily"), &fixture.clock);
    assert_eq!(fixture.clock.local_of(next), date(2022, 3, 1).at(9, 10, 0, 0));
    for (minute, expected) in [(5, 1), (9, 1), (10, 2), (15, 2), (20, 3), (40, 3)] {
        set(&fixture, date(2022, 3, 1), time(9, minute, 0, 0));
        run(&schedule).await;
        assert_eq!(tried.load(Ordering::SeqCst), expected, "9:{minute}");
    }
    let runs = fixture.store.last_runs().await.unwrap();
    let next = schedule.jobs()[0].next(runs.get("daily"), &fixture.clock);
    assert_eq!(fixture.clock.local_of(next), date(2022, 3, 2).at(8, 30, 0, 0));
});

on_both!(two_replicas_try_a_failed_job_again_once, async |fixture: Fixture| {
    set(&fixture, date(2022, 3, 1), time(9, 0, 0, 0));
    let other = fixture.reopened().await;
    let ((one, tried_one), (two, tried_two)) = (failing(&fixture.store, 9), failing(&other, 9));
    for minute in 0..25 {
        set(&fixture, date(2022, 3, 1), time(9, minute, 0, 0));
        tokio::join!(run(&one), run(&two));
    }
    let tried = tried_one.load(Ordering::SeqCst) + tried_two.load(Ordering::SeqCst);
    assert_eq!(tried, 3, "at 9:00, 9:10 and 9:20");
});

on_both!(a_run_that_never_ends_is_given_up_after_its_own_time, async |fixture: Fixture| {
    set(&fixture, date(2022, 3, 1), time(9, 0, 0, 0));
    let job = |name, longest| Job {
        name,
        title: name,
        when: When::DailyAt(AT),
        longest,
        work: Arc::new(|| Box::pin(std::future::pending::<Result<Done, StoreError>>())),
    };
    let jobs = vec![job("hangs", Duration::from_millis(100)), job("lasts", NIGHT)];
    let schedule = Arc::new(Schedule::new(fixture.store.clone(), jobs));
    let mut runs = schedule.run_due().await.into_iter();
    let (hangs, lasts) = (runs.next().unwrap(), runs.next().unwrap());
    hangs.await.unwrap();
    let unnoted = schedule.unnoted();
    assert!(unnoted.len() == 1 && unnoted[0].1.contains("已放弃"), "{unnoted:?}");
    assert!(!lasts.is_finished(), "what reads the whole record goes on");
    lasts.abort();
});

on_both!(a_job_whose_turn_cant_be_noted_is_named_until_it_can, async |fixture: Fixture| {
    set(&fixture, date(2022, 3, 1), time(9, 0, 0, 0));
    let (schedule, ..) = counted(&fixture.store);
    sqlx::any::install_default_drivers();
    let mut hand = AnyConnection::connect(&fixture.url).await.unwrap();
    let (stop, go_on) = if fixture.url.starts_with("sqlite") {
        (
            "CREATE TRIGGER stop BEFORE INSERT ON job_runs BEGIN SELECT RAISE(ABORT, 'no'); END",
            "DROP TRIGGER stop",
        )
    } else {
        (
            "ALTER TABLE job_runs ADD CONSTRAINT stop CHECK (slot < 0) NOT VALID",
            "ALTER TABLE job_runs DROP CONSTRAINT stop",
        )
    };
    hand.execute(stop).await.unwrap();
    run(&schedule).await;
    let unnoted = schedule.unnoted();
    assert_eq!(unnoted.len(), 2, "{unnoted:?}");
    hand.execute(go_on).await.unwrap();
    run(&schedule).await;
    assert_eq!(schedule.unnoted(), []);
});
