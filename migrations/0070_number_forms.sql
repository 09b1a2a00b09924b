-- The platform may write a number of ours in another form (domain/number_form.rs): found without reading all.
CREATE INDEX referral_numbers_form ON referral_numbers (lane, ltrim(lower(remote_id), '0'));
