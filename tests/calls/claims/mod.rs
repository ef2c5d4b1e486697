mod update_claims;
