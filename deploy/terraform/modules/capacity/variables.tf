variable "questions_per_day" {
  description = "Questions on an average day."
  type        = number

  validation {
    condition     = var.questions_per_day > 0
    error_message = "At least one question a day: without any there is nothing to size."
  }
}

variable "peak_factor" {
  description = "How many times the average the busiest minute has."
  type        = number
  default     = 5

  validation {
    condition     = var.peak_factor >= 1
    error_message = "The busiest minute has at least what the average has."
  }
}

variable "zones" {
  description = "Availability zones; brokers and replicas are a multiple of them, or at least as many."
  type        = number
  default     = 3

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "MSK spreads its brokers over two or three zones."
  }
}

variable "copies" {
  description = "Copies of each partition."
  type        = number
  default     = 3

  validation {
    condition     = var.copies >= 1 && var.copies <= 3
    error_message = "One to three copies; with fewer than three the failure of one broker stops writing."
  }
}

variable "model_seconds" {
  description = "Time that the model takes for an answer on average, seconds."
  type        = number
  default     = 8
}

variable "max_in_flight" {
  description = "GLIDESLOPE_MAX_IN_FLIGHT of inference: requests that one replica has under way at once."
  type        = number
  default     = 32
}

variable "events_per_second_per_replica" {
  description = "Events that one replica of the slowest service handles in a second without waiting for a model. Measure it (make bench-scale); the default is careful."
  type        = number
  default     = 50
}

variable "events_per_second_per_broker" {
  description = "Questions in a second for which one broker is enough. Each is about 15 records on all topics, in three copies."
  type        = number
  default     = 200
}

variable "bytes_per_question" {
  description = "Bytes on all topics of one question to its end, in one copy. Measure it with your passages; the default is for six passages of 1 KiB in each of ten records."
  type        = number
  default     = 81920
}

variable "retention_days" {
  description = "Days for which topics keep records."
  type        = number
  default     = 30
}

variable "volume_use" {
  description = "Share of a broker's volume that records may fill."
  type        = number
  default     = 0.6

  validation {
    condition     = var.volume_use > 0 && var.volume_use < 1
    error_message = "A share is between 0 and 1, and a full volume stops a broker."
  }
}

variable "smallest_volume_gib" {
  description = "GiB that a broker's volume has at the least."
  type        = number
  default     = 100
}
