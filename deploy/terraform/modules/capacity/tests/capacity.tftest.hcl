# What each comes to is held against `glideslope size` by tests/terraform; here is what it must not be.

run "a_pilot_is_small_and_spread_over_its_zones" {
  command = plan

  variables {
    questions_per_day = 1000
  }

  assert {
    condition     = output.replicas == 2 && output.brokers == 3 && output.partitions == 6 && output.volume_gib == 100
    error_message = "replicas ${output.replicas}, brokers ${output.brokers}, partitions ${output.partitions}, ${output.volume_gib} GiB"
  }
}

# 10,000,000 × 10 / 86,400 = 1,157.4 a second, × 2 s / (32 × 0.6) = 120.6 replicas, so 384 partitions;
# × 34 topics × 3 copies / 1,000 = 39.2 brokers, which three zones have as 42.
run "replicas_of_partitions_ask_for_brokers" {
  command = plan

  variables {
    questions_per_day = 10000000
  }

  assert {
    condition     = output.replicas == 121 && output.brokers == 42 && output.partitions == 384
    error_message = "replicas ${output.replicas}, brokers ${output.brokers}, partitions ${output.partitions}"
  }
}

run "there_are_never_more_replicas_than_partitions" {
  command = plan

  variables {
    questions_per_day = 20000000
    cpu_ms            = { validator = 200 }
  }

  assert {
    condition     = output.replicas * 2 == output.partitions && output.brokers % 3 == 0
    error_message = "replicas ${output.replicas}, brokers ${output.brokers}, partitions ${output.partitions}"
  }
}

run "a_peak_below_the_average_is_refused" {
  command = plan

  variables {
    questions_per_day = 1000
    peak_factor       = 0.5
  }

  expect_failures = [var.peak_factor]
}
