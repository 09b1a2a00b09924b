-- version 1
INSERT INTO meta VALUES ('key', '{key}');
INSERT INTO counters VALUES ('issue', 1), ('audit', 1);
INSERT INTO areas VALUES ('a1', '370481111000', '柴胡店镇', 'town', NULL, 1646096400000),
  ('a2', NULL, '第一总支', 'branch', 'a1', 1646096400000), ('a3', '370481111200', '高桥村委会', 'village', 'a2', 1646096400000);
INSERT INTO staff VALUES ('f1', 'Z5', '陈网', 'a3', '高桥村', '{sealed:10000000005}', 1646096400000),
  ('f2', 'Z6', '褚走', 'a3', '高桥村', NULL, 1646096400000), ('f3', 'Z3', '郑书', 'a2', '第一总支', NULL, 1646096400000);
INSERT INTO staff_roles VALUES ('f1', 'grid_member'), ('f2', 'visitor'), ('f3', 'branch_secretary');
INSERT INTO subjects VALUES ('s1', 'H1', 'household', 'a3', '{sealed:王建国}', '{sealed:高桥村1号}', 'k1', 1646096400000),
  ('s2', 'H2', 'household', 'a3', '{sealed:李秀英}', NULL, 'k2', 1646096400000);
INSERT INTO assignments VALUES ('n1', 's1', 'f2', NULL, NULL, NULL, 1646096400000), ('n2', 's2', 'f2', 'Z3', '换人', 1646096500000, 1646096400000);
INSERT INTO residents VALUES ('r1', 's1', 'k3', '{sealed:王建国}', '{sealed:13800000001}', 1646445600000);
INSERT INTO visits VALUES ('v1', 'k4', 'first', 's1', 'r1', 'f2', '2022-03-05', NULL, 1646445600000);
INSERT INTO issues VALUES ('i1', 'CHD2022-000001', 'k5', 'v1', 'r1', 's1', 'a3', '{sealed:路灯不亮}', 'referred', 1, 'city',
  'living_environment', 'urgent', 0, 0, '2022-06-30', 3, 1646445600000, 1646449200000);
INSERT INTO issue_events VALUES
  ('i1', 1, 'classified', '{"event":"classified","level":"city","category":"living_environment","urgency":"urgent"}', 'visitor', 1646445600000),
  ('i1', 2, 'queued', '{"event":"queued"}', 'zoufang', 1646445600000), ('i1', 3, 'referred', '{"event":"referred"}', 'platform', 1646449200000);
INSERT INTO referrals VALUES ('e1', 'i1', 1, 'ehushanying', 'CHD2022-000001-R1', 'open', 'P77', NULL, 'received', 1646449200000,
  1646445600000, 1646449200000, 1646452800000);
INSERT INTO referral_updates VALUES ('u1', 'ehushanying', 'P77', 'd1', 'received', 'received', '{sealed:已收到}', 1646449200000, 1646449200000, 1646449200000);
INSERT INTO duties VALUES ('d1', 'visit:s1', 'visit', 'f2', 'visitor', 'a3', 's1', NULL, NULL, '2022-03-31', 'met', 1646445600000, 'v1', 0, '2022-03-28', 1646096400000),
  ('d2', 'visit:s2', 'visit', 'f2', 'visitor', 'a3', 's2', NULL, NULL, '2022-03-31', 'open', NULL, NULL, 0, '2022-03-28', 1646096400000),
  ('d3', 'resolve:i1', 'resolve', NULL, 'centre', 'a3', 's1', 'r1', 'i1', '2022-05-31', 'open', NULL, NULL, 1, '2022-05-31', 1646445600000);
INSERT INTO notices VALUES ('t1', 'f2', 'log', '2022-03-28', '走访提醒', '{sealed:还有1户要走访}', 1648425600000, 1648425600000);
INSERT INTO notice_items VALUES ('d2', 0, 'f2', '2022-03-28'), ('d3', 0, 'f1', '2022-05-28');
INSERT INTO outbox VALUES
  ('o1', 'ehushanying', 'referral', 'referral:CHD2022-000001-R1', 'e1', 0, 'delivered', NULL, 1, 1646449200000, 1646449200000, 0, NULL, NULL, NULL, 1646445600000, 1646449200000),
  ('o2', 'log', 'notice', 'notice:log:Z6:2022-03-28', 't1', 5, 'leased', NULL, 1, 1648425600000, 1648425600000, 0, 'me', 1648425700000, '连不上', 1648425600000, NULL);
INSERT INTO lanes VALUES ('ehushanying', 1646449200000, NULL, NULL), ('log', NULL, 1648425600000, '连不上');
INSERT INTO job_runs VALUES ('poll', 1646449200000, 1646449200000, 1646449200100, 'ok');
INSERT INTO imports VALUES ('g1', 'areas.csv', 'areas', 3, 1646096400000);
INSERT INTO audit VALUES (1, 1646096400000, 'import', 'areas', 'areas.csv', '{"added":3}', '', 'h1');
-- version 2
INSERT INTO feeds VALUES ('ehushanying', '{"since":"2022-03-05"}', 1646449200000);
-- version 3
INSERT INTO pushes VALUES ('w1', 1646449200000);
-- version 5
INSERT INTO messages VALUES ('m1', 'e1', 3, NULL, 1646449200000);
-- version 6
INSERT INTO handoffs VALUES (1, 'ehushanying', '2022-03-05', 1, 1646445600000, 1646445700000);
INSERT INTO handoff_rows VALUES (1, 1, 'e1');
INSERT INTO notices VALUES ('t2', 'f1', 'log', '2022-03-05', 'handoff', '上报交接单', '{sealed:请上传}', NULL, 1646445600000);
-- version 7
INSERT INTO referral_numbers VALUES ('ehushanying', 'P78', 'e1', 'replaced', 1646449100000);
-- version 9
INSERT INTO photos VALUES ('p1', 'i1', 1, '路灯.jpg', 'image/jpeg', '{sealed:AAAA}', 'd2', 1646445600000);
INSERT INTO referral_photos VALUES ('q1', 'e1', 'p1', NULL);
-- version 10
INSERT INTO bundles VALUES ('b1', 'classify', 'visitor', 'f2', 'a3', NULL, '2022-04-15', 0, '2022-04-12', 1646445600000);
INSERT INTO duties VALUES ('d4', 'classify:s2', 'classify', 'b1', 's2', NULL, NULL, 'open', NULL, NULL, 1646445600000);
INSERT INTO tellings VALUES ('b1', 0, 'f1', 'f2', 1, '2022-04-12', 1649721600000);
INSERT INTO acknowledgements VALUES ('b1', 'f1', 0, 1649721700000);
INSERT INTO dead_addresses VALUES ('f1', 'sms', 1649721600000, '空号');
INSERT INTO absences VALUES ('x1', 'f2', '2022-04-11', '2022-04-13', 'f1', 1649635200000);
-- version 12
INSERT INTO plans VALUES (1, 'CHD2022', '{"code":"CHD2022","name":"柴胡店镇联系服务群众大走访活动","town":"370481111000","materials_due_on":"2022-03-10","acknowledge_within":3,"upload_within":3,"yellow_within":3,"hotline":"","phases":[{"name":"visit","starts_on":"2022-03-01","ends_on":"2022-03-31"},{"name":"classify","starts_on":"2022-04-01","ends_on":"2022-04-15"},{"name":"resolve","starts_on":"2022-04-16","ends_on":"2022-05-31"},{"name":"feedback","starts_on":"2022-06-01","ends_on":"2022-06-30"}],"extra":[],"resolve_within":{"urgent":10,"normal":30,"long_term":60},"begin_before":{"urgent":7,"normal":20,"long_term":40},"departments":{},"ladder":[{"duties":["materials","visit","classify","summary","resolve","report","revisit","self_check","look_back","extra"],"steps":[{"days":-3,"who":"owner"},{"days":3,"who":"branch_secretary"}]},{"duties":["acknowledge","upload","begin","spot_check"],"steps":[{"days":0,"who":"owner"},{"days":3,"who":"leading_group"}]}]}', 'zoufang', 'first', 1646096400000);
INSERT INTO breaches VALUES ('c1', 'WJ2022-0001', 'gift', '2022-03-06', 'a3', '{sealed:收了礼品}', NULL, '{sealed:某人}', 'open', NULL, 1646532000000, NULL);
-- version 24
INSERT INTO owed_digests VALUES ('f1', '2022-03-28');
-- version 26
INSERT INTO platform_notes VALUES ('ehushanying', '平台的时间（updated_datetime）读不懂', '昨天', 1646449200000, 1646449200000, 1);
-- version 27
INSERT INTO imports VALUES ('dd27', 'v.csv', 'visits', 3, 1646449200000, 2, 0, 1, '第 2–3 行新增，第 4 行不变');
-- version 29
INSERT INTO links VALUES ('h2', 'f1', '2022-03-28', 0, 0, 1648429200000, 1649638800000, NULL, NULL);
-- version 33
INSERT INTO inspection_draws VALUES ('k1', '7', '{"count":1}', 1, '2022-03-14', 'f1', 1646618400000);
INSERT INTO inspections VALUES ('n1', 'CHD2022-C0001', 'k1', 's1', 'f1', '2022-03-07', '2022-03-14', 1646618400000, '2022-03-09', 'f1', 'differs', '{sealed:没人来过}', 1646791200000, 'village_lead', NULL, NULL, NULL);
INSERT INTO inspection_notes VALUES ('n2', '2022-03-08', 'f1', '{sealed:看了公示栏}', 1646704800000);
-- version 34
INSERT INTO mediations VALUES ('y1', 'i1', '2022-03-09', '{sealed:赵六}', '{sealed:王建国、李四}', '{sealed:以滴水线为界}', '2022-04-09', NULL, NULL, NULL, NULL, 1646791200000);
-- version 37
INSERT INTO issue_numbers VALUES (1, 'CHD2022-000001', 'k9', 'k11');
INSERT INTO lost_numbers VALUES ('CHD2022-000002', 'k10', 'k12');
-- version 40
INSERT INTO accounts VALUES ('f1', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', 1648429200000, 0, 0);
INSERT INTO invitations VALUES ('h3', 'f2', 1648429200000, 1649034000000, NULL);
INSERT INTO sign_ins VALUES ('h4', 'f1', 1648429200000, 1648429200000, 1649638800000, NULL);
INSERT INTO submissions VALUES ('u1', 'f1', 'k1', '{sealed:已登记}', 1648429200000);
-- version 42
INSERT INTO screens VALUES ('h5', 1, '大厅', 'f1', 1648429200000, NULL);
-- version 45
INSERT INTO files VALUES ('w1', '{sealed:总结.docx}', 4, 1, 1648429200000);
INSERT INTO file_pieces VALUES ('w1', 0, '{sealed:AAAA}');
INSERT INTO uploads VALUES ('w2', 'f1', 'w1', NULL, '{sealed:走访记录.xlsx}', '{}', 'well', 2, '{sealed:3行}', 0, 1648429200000);
INSERT INTO hand_ins VALUES ('w3', 'summary:a2', 1, 'w1', 'f2', 1648429200000, 'f1', 1648432800000, '{sealed:请补上数字}');
-- version 43
INSERT INTO card_guesses VALUES ('s1', 2, 1648429200000);
INSERT INTO resident_words VALUES ('i1', 1, 'satisfied', 1648429200000);
-- version 49
INSERT INTO words VALUES ('w1', 'f1', 'vacant', '2022-03-28', '{sealed:有1处没有人负责}', '{sealed:· 高桥村}');
-- version 46
INSERT INTO second_factors VALUES ('f1', '{sealed:AAAA}', 1648429200000, 7);
INSERT INTO program_tokens VALUES ('t46', 'h46', '{sealed:大屏}', 'status', 'f1', 1648429200000, 1679965200000, NULL, NULL, NULL);
-- version 54
UPDATE imports_under_way SET brought_by = 'O1 孙组';
-- version 59
INSERT INTO provider_states VALUES ('h59', 1648429800000);
-- version 67
INSERT INTO campaign_figures VALUES ('CHD2021', 'area', 'a1', 'visited', 2);
-- version 74
INSERT INTO list_gaps VALUES ('ehushanying', 'other', 'CHD2022-000001-R1', 540000, 1648429200000);
