-- What somebody was told to press others for is read by person (我的任务, 需要您督办).
CREATE INDEX reminders_person ON reminders (staff_id, group_id);
