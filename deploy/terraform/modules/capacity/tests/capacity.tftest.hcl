run "a_pilot_is_small_and_spread_over_its_zones" {
  command = plan

  variables {
    questions_per_day = 1000
  }

  assert {
    condition     = output.replicas == 3 && output.brokers == 3 && output.partitions == 6 && output.volume_gib == 100
    error_message = "replicas ${output.replicas}, brokers ${output.brokers}, partitions ${output.partitions}, ${output.volume_gib} GiB"
  }
}

# 100,000 × 5 / 86,400 = 5.8 a second, × 8 s = 46 under way: two replicas of 32, so one a zone.
# 100,000 × 30 × 80 KiB = 229 GiB, × 3 copies / 3 brokers / 0.6 = 381.5.
run "a_hundred_thousand_a_day" {
  command = plan

  variables {
    questions_per_day = 100000
  }

  assert {
    condition     = output.replicas == 3 && output.partitions == 6 && output.volume_gib == 382
    error_message = "replicas ${output.replicas}, partitions ${output.partitions}, ${output.volume_gib} GiB"
  }
}

# 5,000,000 × 5 / 86,400 = 289.4 a second, × 8 s = 2,315 under way: 73 replicas of 32; 146 partitions
# at the least, 147 on three brokers.
run "five_million_a_day" {
  command = plan

  variables {
    questions_per_day = 5000000
  }

  assert {
    condition     = output.replicas == 73 && output.brokers == 3 && output.partitions == 147
    error_message = "replicas ${output.replicas}, brokers ${output.brokers}, partitions ${output.partitions}"
  }
}

run "there_are_never_more_replicas_than_partitions" {
  command = plan

  variables {
    questions_per_day             = 20000000
    events_per_second_per_replica = 5
  }

  assert {
    condition     = output.replicas <= output.partitions && output.partitions % output.brokers == 0
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
