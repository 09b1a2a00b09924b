//! The longest messages that people get, as they are read on each channel: what was left out is counted, and the link stays.

use jiff::civil::date;
use zoufang::db::{ChannelReach, Form, NewNotice};
use zoufang::notify::{ReminderRules, fit, gist, preview, short};

use crate::reminders::rules;
use crate::support::Fixture;

fn channel(lane: &str, form: Form) -> ChannelReach {
    ChannelReach { lane: lane.to_owned(), needs: None, copy: lane != "wecom_app", form }
}

/// Two branches of twenty villages, in each two households and an issue that nobody began; a department and a leader over it.
async fn busy() -> Fixture {
    let channels = vec![
        channel("wecom_app", Form::Text),
        channel("sms", Form::Short),
        channel("wecom_robot", Form::Group),
    ];
    let fixture = Fixture::sqlite().await.within(|context| context.channels = channels).await;
    let (mut areas, mut staff, mut subjects, mut pairs, mut visits) = (
        "区划代码,区划名称,区划类型,上级区划\n370481111000,柴胡店镇,镇,\n,东总支,总支,370481111000\n,西总支,总支,370481111000\n".to_owned(),
        "人员编号,姓名,角色,所属区划,工作单位,手机号\nZ1,周正,领导小组,370481111000,镇党委,10000000001\nZ2,吴心,镇社会治理综合服务中心,370481111000,服务中心,10000000002\nZ3,郑书,总支书记,东总支,东总支,10000000003\nZ4,王书,总支书记,西总支,西总支,10000000004\n".to_owned(),
        "对象编号,对象类型,对象名称,所属村\n".to_owned(),
        "对象编号,走访人员\n".to_owned(),
        format!("{}\n", crate::support::VISITS),
    );
    for n in 0..40 {
        let branch = ["东总支", "西总支"][n % 2];
        let village = format!("3704811112{n:02}");
        areas.push_str(&format!("{village},{n}号村,村,{branch}\n"));
        staff.push_str(&format!(
            "V{n:02},走{n},走访人员、网格员,{village},{n}号村,100000010{n:02}\n"
        ));
        for h in 0..2 {
            subjects.push_str(&format!("H{n:02}{h},家庭,王{n}{h},{village}\n"));
            pairs.push_str(&format!("H{n:02}{h},V{n:02}\n"));
        }
        let class = ["镇村,居住环境,急", "市直,社会治安,一般"][n % 2];
        visits.push_str(&format!("2022-03-20,V{n:02},H{n:02}0,王{n}0,,路灯不亮,有,{class}\n"));
    }
    fixture.at(3, 21, 9);
    let tables = [areas, staff, subjects, pairs, visits];
    for (at, table) in tables.iter().enumerate() {
        fixture.import(&format!("{at}.csv"), table).await.unwrap();
    }
    fixture
}

/// As each channel sends it: at WeCom's 2,048 bytes with whom it's for, and as a text message.
fn as_sent(all: &[NewNotice], person: &str) -> String {
    let mut said = Vec::new();
    for notice in all.iter().filter(|notice| notice.staff_id == person) {
        let sent = match notice.channel.as_str() {
            "sms" => {
                format!("【走访】{}", short(&gist(&notice.title, &notice.body), "【走访】", 300))
            }
            _ => fit(&format!("{}\n{}", notice.title, notice.body), 2_048),
        };
        said.push(format!(
            "== {}，{}字，{}字节\n{sent}",
            notice.channel,
            sent.chars().count(),
            sent.len()
        ));
    }
    said.join("\n\n")
}

#[tokio::test]
async fn the_longest_digests_at_each_channels_limit() {
    let fixture = busy().await;
    fixture.at(6, 8, 9);
    let rules = ReminderRules { public_url: "https://zoufang.example.cn".to_owned(), ..rules() };
    let all = preview(&fixture.store, &rules, date(2022, 6, 8)).await.unwrap();
    let staff = fixture.store.staff().await.unwrap();
    for (number, name) in
        [("Z1", "leading_group"), ("Z3", "branch_secretary"), ("Z2", "centre"), ("V00", "visitor")]
    {
        let person = &staff.iter().find(|person| person.number == number).unwrap().id;
        let said = as_sent(&all, person);
        for part in said.split("== ").skip(1) {
            let own = !part.starts_with("wecom_robot");
            assert_eq!(own, part.contains("https://zoufang.example.cn/digests/"), "{part}");
            assert!(part.len() < 2_200, "{part}");
        }
        insta::assert_snapshot!(name, said);
    }
}
