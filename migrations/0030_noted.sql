-- 响应率 counts an issue only where somebody took note of it, not where it was resolved unseen, and issues past their date are
-- kept by place: all figures are counted anew when the database is next opened.
DELETE FROM meta WHERE name = 'figures';
