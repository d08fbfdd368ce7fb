variables {
  cidr  = "10.40.0.0/16"
  zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

run "nothing_reaches_the_internet_unless_it_is_asked_for" {
  command = plan

  assert {
    condition     = length(output.private) + length(output.public) == 0
    error_message = "there are subnets with a way out: ${jsonencode(output.public)}"
  }

  assert {
    condition     = length(output.isolated) == 3
    error_message = "not each zone has an isolated subnet"
  }
}

run "no_two_subnets_overlap" {
  command = plan

  variables {
    internet_egress = true
    zones           = ["a", "b", "c", "d"]
  }

  # four isolated in the first half, four private and four public in the second
  assert {
    condition     = join(" ", values(output.isolated)) == "10.40.0.0/19 10.40.32.0/19 10.40.64.0/19 10.40.96.0/19"
    error_message = "isolated: ${jsonencode(output.isolated)}"
  }

  assert {
    condition     = join(" ", values(output.private)) == "10.40.128.0/21 10.40.136.0/21 10.40.144.0/21 10.40.152.0/21"
    error_message = "private: ${jsonencode(output.private)}"
  }

  assert {
    condition     = join(" ", values(output.public)) == "10.40.160.0/21 10.40.168.0/21 10.40.176.0/21 10.40.184.0/21"
    error_message = "public: ${jsonencode(output.public)}"
  }
}

run "the_smallest_network_has_room_for_pods" {
  command = plan

  variables {
    cidr = "10.40.0.0/20"
  }

  assert {
    condition     = output.isolated["eu-central-1a"] == "10.40.0.0/23"
    error_message = "isolated: ${jsonencode(output.isolated)}"
  }
}

run "a_network_that_is_too_small_is_refused" {
  command = plan

  variables {
    cidr = "10.40.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "an_address_inside_of_the_network_is_refused" {
  command = plan

  variables {
    cidr = "10.40.1.0/16"
  }

  expect_failures = [var.cidr]
}

run "one_zone_is_refused" {
  command = plan

  variables {
    zones = ["eu-central-1a"]
  }

  expect_failures = [var.zones]
}
