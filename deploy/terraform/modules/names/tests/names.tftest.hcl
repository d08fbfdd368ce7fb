variables {
  deployment = "glideslope"
  account    = "123456789012"
  region     = "eu-central-1"
}

run "everything_begins_with_the_deployment" {
  command = plan

  assert {
    condition     = output.audit_bucket == "glideslope-audit-123456789012-eu-central-1"
    error_message = "the bucket is called ${output.audit_bucket}"
  }

  assert {
    condition     = output.roles["inference"] == "glideslope-inference" && length(output.roles) == 5
    error_message = "the roles are called ${jsonencode(output.roles)}"
  }

  assert {
    condition     = output.secrets["review"] == "glideslope/review/"
    error_message = "the secrets begin with ${jsonencode(output.secrets)}"
  }
}

run "a_name_that_no_bucket_can_have_is_refused" {
  command = plan

  variables {
    deployment = "Glide_Slope"
  }

  expect_failures = [var.deployment]
}

run "a_name_that_ends_in_a_hyphen_is_refused" {
  command = plan

  variables {
    deployment = "glideslope-"
  }

  expect_failures = [var.deployment]
}

run "the_longest_name_fits_in_the_longest_region" {
  command = plan

  variables {
    deployment = "a23456789012345678901234"
    region     = "ap-southeast-1"
  }

  assert {
    condition     = length(output.audit_bucket) <= 63
    error_message = "${output.audit_bucket} has ${length(output.audit_bucket)} characters"
  }
}

run "a_bucket_whose_name_would_be_too_long_is_refused" {
  command = plan

  variables {
    deployment = "a23456789012345678901234"
    region     = "ap-southeastern-central-1"
  }

  expect_failures = [output.audit_bucket]
}

run "an_account_is_twelve_digits" {
  command = plan

  variables {
    account = "1234"
  }

  expect_failures = [var.account]
}
