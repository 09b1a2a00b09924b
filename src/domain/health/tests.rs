//! What is yellow or red, and what is said of it.

use jiff::civil::date;

use super::*;

fn at(hour: i8) -> DateTime {
    date(2022, 4, 20).at(hour, 5, 0, 0)
}

fn lane(change: impl FnOnce(&mut LaneFacts)) -> Facts {
    let mut lane = LaneFacts { name: "ehushanying".to_owned(), ..LaneFacts::default() };
    change(&mut lane);
    Facts { now: at(12), lanes: vec![lane], ..Facts::default() }
}

fn platform(platform: PlatformFacts) -> Facts {
    Facts { now: at(12), platform, ..Facts::default() }
}

/// The verdict of the only finding, after a look at its words.
fn only(facts: &Facts, words: &[&str]) -> Verdict {
    let findings = judge(facts);
    let [Finding { verdict, reason, .. }] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    for word in words {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    *verdict
}

#[test]
fn nothing_wrong_is_green() {
    let facts = lane(|lane| {
        lane.queued = 7;
        lane.last_good_contact = Some(at(1));
    });
    assert_eq!(judge(&facts), []);
    assert_eq!(verdict(&judge(&facts)), Verdict::Green);
}

#[test]
fn a_record_that_cant_be_written_is_red_with_the_cure_of_each_fault() {
    for (fault, cure) in [
        (Fault::DiskFull, "腾出空间"),
        (Fault::Locked, "等它结束"),
        (Fault::ReadOnly, "权限"),
        (Fault::Gone, "数据库服务是否在运行"),
        (Fault::Corrupt, "zoufang restore"),
        (Fault::Disk, "系统日志"),
        (Fault::Other("第三扇区坏了".to_owned()), "第三扇区坏了"),
    ] {
        let unwritable = Some(Unwritable { fault, since: at(9), seconds: 42 });
        let facts = Facts { now: at(12), unwritable, ..Facts::default() };
        let words = ["2022-04-20 09:05:00", "42 秒", cure, "自动恢复"];
        assert_eq!(only(&facts, &words), Verdict::Red);
    }
}

#[test]
fn what_is_stuck_or_held_is_red_and_named() {
    let owed = |key: &str| Some(Owed { key: key.to_owned(), since: at(8) });
    let facts = lane(|lane| {
        (lane.stuck, lane.oldest) = (3, owed("referral:CHD2022-0001-R1"));
    });
    let words =
        ["ehushanying：3 件积压", "referral:CHD2022-0001-R1，2022-04-20 08:05 起", "outbox list"];
    assert_eq!(only(&facts, &words), Verdict::Red);
    let facts = lane(|lane| {
        let why = "对方给的编号 7 已经是 CHD2022-0001-R1 的".to_owned();
        (lane.held, lane.oldest_held) =
            (1, owed("referral:CHD2022-0002-R1").map(|owed| (owed, why)));
    });
    let words = ["1 件下落不明", "编号 7 已经是", "referral:CHD2022-0002-R1", "--state held"];
    assert_eq!(only(&facts, &words), Verdict::Red);
}

#[test]
fn a_failed_contact_is_red_once_the_last_good_one_is_an_hour_old() {
    let failed = |good: Option<DateTime>| {
        lane(|lane| {
            lane.last_good_contact = good;
            lane.failure = Some(("HTTP 503 维护".to_owned(), Some(at(11))));
        })
    };
    assert_eq!(
        only(
            &failed(Some(date(2022, 4, 20).at(11, 6, 0, 0))),
            &["对方暂停服务（HTTP 503）：维护", "11:05", "11:06"]
        ),
        Verdict::Yellow
    );
    assert_eq!(only(&failed(Some(at(11))), &["请检查网络"]), Verdict::Red);
    assert_eq!(only(&failed(None), &["还没有成功过"]), Verdict::Red);
}

#[test]
fn a_pause_and_a_look_up_are_yellow() {
    let paused = lane(|lane| lane.paused_until = Some(at(13)));
    assert_eq!(only(&paused, &["暂停发送到 2022-04-20 13:05"]), Verdict::Yellow);
    let unknown = lane(|lane| lane.unknown = 2);
    assert_eq!(only(&unknown, &["2 件发出后没有回音"]), Verdict::Yellow);
}

#[test]
fn what_waits_for_a_platform_that_isnt_there_is_red() {
    let mut facts = lane(|lane| lane.queued = 4);
    facts.platform.missing = Some("ehushanying".to_owned());
    assert_eq!(only(&facts, &["有 4 个问题等待上报", "platform.adapter"]), Verdict::Red);
    facts.lanes[0].queued = 0;
    assert_eq!(judge(&facts), []);
}

#[test]
fn a_missing_service_and_a_failed_job_are_red() {
    let gaps = platform(PlatformFacts {
        service_gaps: vec!["没有代码 7".to_owned()],
        ..PlatformFacts::default()
    });
    assert_eq!(only(&gaps, &["没有代码 7"]), Verdict::Red);
    let job = FailedJob {
        title: "到期提醒".to_owned(),
        why: "断了".to_owned(),
        at: Some(at(8)),
        next: at(9),
    };
    let jobs = Facts { failed_jobs: vec![job], ..Facts::default() };
    let words = ["「到期提醒」", "08:05", "断了", "09:05 自动再试"];
    assert_eq!(only(&jobs, &words), Verdict::Red);
}

#[test]
fn what_can_wait_is_yellow() {
    let none = Facts::default();
    for (facts, words) in [
        (
            platform(PlatformFacts {
                unknown_words: vec![("转办".to_owned(), 5)],
                ..PlatformFacts::default()
            }),
            ["「转办」不认识（5 次）", "platform.statuses"],
        ),
        (
            platform(PlatformFacts { closed_without_answer: 2, ..PlatformFacts::default() }),
            ["有 2 件", "催要答复"],
        ),
        (Facts { unreachable: 3, ..none.clone() }, ["有 3 人", "notify unreachable"]),
        (
            Facts { left: vec![("Z7 冯走".to_owned(), 2)], ..none.clone() },
            ["Z7 冯走已离岗，还有 2 个走访对象", "zoufang reassign"],
        ),
        (
            Facts { plan_file: PlanFile::Differs, ..none.clone() },
            ["campaign plan", "campaign apply"],
        ),
        (
            Facts { plan_file: PlanFile::OfBefore, ..none.clone() },
            ["campaign.file 改成", "不要用 zoufang campaign apply"],
        ),
        (
            Facts { late: vec![(DutyKind::Visit, 2), (DutyKind::Revisit, 0)], ..none.clone() },
            ["有 2 项任务超期（入户走访 2）", "duties --late"],
        ),
        (
            Facts { year_without_holidays: Some(2030), ..none },
            ["2030 年", "campaign.calendar_file"],
        ),
    ] {
        assert_eq!(only(&facts, &words), Verdict::Yellow);
    }
}

#[test]
fn the_worst_comes_first() {
    let mut facts = lane(|lane| (lane.unknown, lane.stuck) = (1, 1));
    facts.unreachable = 1;
    let verdicts: Vec<Verdict> = judge(&facts).iter().map(|found| found.verdict).collect();
    assert_eq!(verdicts, [Verdict::Red, Verdict::Yellow, Verdict::Yellow]);
    assert_eq!(verdict(&judge(&facts)), Verdict::Red);
}

#[test]
fn one_outage_is_one_reason_whatever_it_holds_up() {
    let facts = lane(|lane| {
        (lane.queued, lane.stuck, lane.unknown) = (9, 3, 2);
        lane.oldest = Some(Owed { key: "referral:CHD2022-0001-R1".to_owned(), since: at(8) });
        lane.last_good_contact = Some(at(10));
        lane.failure = Some(("not_connected: tcp connect error".to_owned(), Some(at(12))));
        lane.paused_until = Some(at(13));
    });
    let words = [
        "连不上对方",
        "10:05 以后没有成功过",
        "3 件积压",
        "2 件等着核实",
        "CHD2022-0001-R1",
        "暂停发送到",
    ];
    assert_eq!(only(&facts, &words), Verdict::Red);
    let detail = judge(&facts)[0].detail.clone();
    assert_eq!(detail.as_deref(), Some("not_connected: tcp connect error"));
}

#[test]
fn what_was_refused_and_what_came_too_late_is_named() {
    let debts = |why: &str| {
        let oldest = Owed { key: "referral:CHD2022-0007-R1".to_owned(), since: at(8) };
        Some(Debts { count: 14, oldest, why: why.to_owned() })
    };
    let refused = lane(|lane| lane.refused = debts("HTTP 400 描述太长"));
    let words =
        ["14 件上报被对方退回", "CHD2022-0007-R1，2022-04-20 08:05", "描述太长", "重新分类"];
    assert_eq!(only(&refused, &words), Verdict::Yellow);
    let late = lane(|lane| lane.late = debts(""));
    assert_eq!(only(&late, &["14 件已经不需要办理", "请联系平台撤销"]), Verdict::Yellow);
}

#[test]
fn a_channel_that_isnt_configured_any_more_is_only_said_for_what_is_left_there() {
    let removed = |queued| {
        lane(|lane| {
            (lane.removed, lane.queued) = (true, queued);
            lane.failure = Some(("timeout".to_owned(), Some(at(1))));
        })
    };
    assert_eq!(judge(&removed(0)), []);
    assert_eq!(only(&removed(2), &["不在配置里", "还有 2 件"]), Verdict::Yellow);
}

#[test]
fn what_isnt_answered_or_understood_is_said_with_its_number() {
    let unasked = Unasked {
        count: 2,
        reference: "CHD2022-0007-R1".to_owned(),
        number: "880,7".to_owned(),
        since: at(8),
        why: "编号 880,7：平台回答 HTTP 404 not found".to_owned(),
    };
    let note = Note {
        what: "平台的时间（updated_datetime）读不懂".to_owned(),
        sample: "昨天".to_owned(),
        times: 3,
        since: at(8),
    };
    let facts = platform(PlatformFacts { unasked: Some(unasked), ..PlatformFacts::default() });
    let words = ["2 件", "CHD2022-0007-R1", "编号 880,7", "08:05 起", "HTTP 404", "请到平台核对"];
    assert_eq!(only(&facts, &words), Verdict::Yellow);
    let facts = platform(PlatformFacts { notes: vec![note], ..PlatformFacts::default() });
    assert_eq!(only(&facts, &["读不懂", "「昨天」", "3 次"]), Verdict::Yellow);
}

#[test]
fn a_restored_record_and_an_import_that_stands_still_are_yellow() {
    let restored =
        RestoredFacts { at: at(12), from: at(8), unsure: 10, in_order: false, missing: 0 };
    let facts = Facts { restored: Some(restored), ..Facts::default() };
    assert_eq!(only(&facts, &["备份", "08:05", "10 件", "再导入一次"]), Verdict::Yellow);
    let import = StalledImport { file: "v.csv".to_owned(), rows: 9, since: at(8), checking: true };
    let facts = Facts { stalled_import: Some(import), ..Facts::default() };
    assert_eq!(only(&facts, &["「v.csv」", "08:05 起停住了", "再导入一次"]), Verdict::Yellow);
    let facts = Facts { memory_trouble: Some("权限".to_owned()), ..Facts::default() };
    assert_eq!(only(&facts, &["privacy.memory_file"]), Verdict::Yellow);
}

#[test]
fn jobs_that_fail_because_nothing_can_be_written_say_nothing_besides() {
    let job =
        FailedJob {
            title: "到期提醒".to_owned(), why: "断了".to_owned(), at: None, next: at(9)
        };
    let unwritable = Some(Unwritable { fault: Fault::DiskFull, since: at(9), seconds: 42 });
    let facts = Facts { unwritable, failed_jobs: vec![job], ..Facts::default() };
    assert_eq!(only(&facts, &["磁盘已满"]), Verdict::Red);
}

#[test]
fn what_fails_again_and_again_while_others_arrive_is_named() {
    let failing = |more: &mut dyn FnMut(&mut LaneFacts)| {
        lane(|lane| {
            lane.failing = 1;
            let owed = Owed { key: "referral:CHD2022-000002-R1".to_owned(), since: at(9) };
            lane.oldest_failing = Some((owed, "HTTP 403".to_owned()));
            more(lane);
        })
    };
    let words = ["1 件发不出去", "referral:CHD2022-000002-R1", "HTTP 403", "照常发送"];
    assert_eq!(only(&failing(&mut |_| ()), &words), Verdict::Yellow);
    // One outage is one reason.
    let outage = failing(&mut |lane| lane.failure = Some(("断开".to_owned(), None)));
    assert!(matches!(only(&outage, &["断开"]), Verdict::Red));
}

#[test]
fn a_certificate_is_yellow_three_weeks_before_its_end_and_red_after_it() {
    let with = |ends: DateTime, trouble: Option<&str>| {
        let trouble = trouble.map(str::to_owned);
        let certificate = Some(OwnCertificateFacts { now: at(12), ends: Some(ends), trouble });
        Facts { now: at(12), certificate, ..Facts::default() }
    };
    let day = |month, day| date(2022, month, day).at(8, 0, 0, 0);
    assert_eq!(judge(&with(day(5, 12), None)), []);
    assert_eq!(only(&with(day(5, 11), None), &["2022-05-11 08:00", "还有 21 天"]), Verdict::Yellow);
    assert_eq!(
        only(&with(day(4, 20), None), &["已在 2022-04-20 08:00 到期", "tls_cert"]),
        Verdict::Red
    );
    let useless = with(day(9, 1), Some("http.tls_key：里面没有密钥"));
    assert_eq!(only(&useless, &["没有密钥", "仍在用原来"]), Verdict::Yellow);
}

#[test]
fn what_the_other_side_wrote_is_for_the_operator_alone() {
    let owed = || Owed { key: "referral:CHD2022-0001-R1".to_owned(), since: at(8) };
    let theirs = "HTTP 409 王小二已登记".to_owned();
    let lanes = lane(|lane| {
        (lane.failing, lane.oldest_failing) = (2, Some((owed(), theirs.clone())));
        (lane.unknown, lane.oldest_unknown) = (1, Some((owed(), theirs.clone())));
        lane.refused = Some(Debts { count: 1, oldest: owed(), why: theirs.clone() });
    });
    let down = lane(|lane| lane.failure = Some((theirs.clone(), Some(at(11)))));
    let words = platform(PlatformFacts {
        unknown_words: vec![("王小二".to_owned(), 3)],
        notes: vec![Note {
            what: "时间看不懂".to_owned(),
            sample: "王小二".to_owned(),
            times: 1,
            since: at(8),
        }],
        unasked: Some(Unasked {
            count: 1,
            reference: "CHD2022-0001-R1".to_owned(),
            number: "7".to_owned(),
            since: at(8),
            why: "编号 7：平台回答 HTTP 404 王小二".to_owned(),
        }),
        ..PlatformFacts::default()
    });
    let job = FailedJob { title: "查询".to_owned(), why: theirs, at: None, next: at(13) };
    let jobs = Facts { now: at(12), failed_jobs: vec![job], ..Facts::default() };
    for facts in [lanes, down, words, jobs] {
        for finding in judge(&facts) {
            assert!(finding.reason.contains("王小二"), "{}", finding.reason);
            let public = finding.for_everybody();
            assert!(!public.contains("王小二") && public.len() > 40, "{public}");
        }
    }
}

fn machine(machine: MachineFacts) -> Facts {
    Facts { now: at(12), machine, ..Facts::default() }
}

#[test]
fn a_disk_is_red_when_its_nearly_full_and_yellow_while_there_is_time() {
    let disk = |free: u64, needed: u64| {
        let (what, place) = ("数据库".to_owned(), "/var/lib/zoufang".to_owned());
        let disks = vec![DiskFacts { what, place, free, needed }];
        machine(MachineFacts { disks, ..MachineFacts::default() })
    };
    let words = ["数据库所在的磁盘", "/var/lib/zoufang", "100.0 MB", "腾出空间"];
    assert_eq!(only(&disk(100 << 20, 0), &words), Verdict::Red);
    assert_eq!(only(&disk(900 << 20, 0), &["900.0 MB", "1.0 GB"]), Verdict::Yellow);
    assert_eq!(only(&disk(3 << 30, 4 << 30), &["3.0 GB", "4.0 GB"]), Verdict::Yellow);
    assert_eq!(judge(&disk(2 << 30, 1 << 30)), []);
}

#[test]
fn what_was_taken_away_damaged_or_cant_be_noted_is_red() {
    let none = MachineFacts::default();
    for (facts, words) in [
        (MachineFacts { lost: Some(Lost::Database("a.db".to_owned())), ..none.clone() }, "a.db"),
        (MachineFacts { lost: Some(Lost::Lock("a.lock".to_owned())), ..none.clone() }, "重新启动"),
        (MachineFacts { damage: Some("page 7".to_owned()), ..none.clone() }, "zoufang restore"),
        (
            MachineFacts {
                unnoted_jobs: vec![("到期提醒".to_owned(), "断了".to_owned())],
                ..none.clone()
            },
            "「到期提醒」",
        ),
    ] {
        assert_eq!(only(&machine(facts), &[words]), Verdict::Red);
    }
    // One fault is said once.
    let damaged = MachineFacts { damage: Some("page 7".to_owned()), ..none };
    let unwritable = Some(Unwritable { fault: Fault::Corrupt, since: at(9), seconds: 42 });
    assert_eq!(only(&Facts { unwritable, ..machine(damaged) }, &["损坏"]), Verdict::Red);
}

#[test]
fn a_clock_that_was_put_is_said_by_how_far() {
    let step = |seconds| {
        let clock = Some(ClockFacts { seconds, at: at(9) });
        machine(MachineFacts { clock, ..MachineFacts::default() })
    };
    assert_eq!(only(&step(90), &["往前跳了 90 秒", "09:05", "对时"]), Verdict::Yellow);
    assert_eq!(only(&step(-90), &["往回跳了 90 秒"]), Verdict::Yellow);
    assert_eq!(only(&step(-86_400), &["往回跳了 86400 秒"]), Verdict::Red);
}

#[test]
fn a_certificate_is_said_a_month_before_its_end() {
    let ends = |days_left| {
        let key = "platform.endpoint".to_owned();
        let certificates = vec![CertificateFacts { key, until: at(9), days_left }];
        machine(MachineFacts { certificates, ..MachineFacts::default() })
    };
    assert_eq!(judge(&ends(30)), []);
    assert_eq!(only(&ends(29), &["platform.endpoint", "还有 29 天"]), Verdict::Yellow);
    assert_eq!(only(&ends(2), &["只剩 2 天"]), Verdict::Red);
    assert_eq!(only(&ends(-1), &["已在", "到期"]), Verdict::Red);
}

#[test]
fn a_backup_that_is_older_than_planned_is_said_with_its_place() {
    let backup = |last: Option<i64>, planned_for| {
        let last = last.map(|hours| (at(9), hours));
        let backup = Some(BackupFacts { folder: "/backup".to_owned(), last, planned_for });
        machine(MachineFacts { backup, ..MachineFacts::default() })
    };
    assert_eq!(judge(&backup(Some(26), 999)), []);
    assert_eq!(judge(&backup(None, 3)), []);
    let words = ["09:05", "在 /backup", "zoufang backup"];
    assert_eq!(only(&backup(Some(27), 999), &words), Verdict::Yellow);
    assert_eq!(only(&backup(Some(75), 999), &["超过三天"]), Verdict::Red);
    assert_eq!(only(&backup(None, 30), &["还没有一份备份"]), Verdict::Yellow);
}

#[test]
fn a_key_that_others_can_read_is_yellow() {
    let open_keys = vec![("/a/zoufang.key".to_owned(), "0644".to_owned())];
    let facts = machine(MachineFacts { open_keys, ..MachineFacts::default() });
    assert_eq!(only(&facts, &["/a/zoufang.key", "0644", "chmod 600"]), Verdict::Yellow);
}
