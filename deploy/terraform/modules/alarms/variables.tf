variable "deployment" {
  description = "Name of the deployment; names of alarms begin with it."
  type        = string
}

variable "account" {
  description = "Account whose alarms and budgets may be sent."
  type        = string
}

variable "emails" {
  description = "Addresses that are told; each has to confirm once."
  type        = set(string)

  validation {
    condition     = length(var.emails) > 0
    error_message = "Name at least one address: an alarm that nobody gets is none."
  }
}

variable "key_arn" {
  description = "KMS key that alarms are encrypted with on their way."
  type        = string
}

variable "kafka_cluster" {
  description = "Name of the MSK cluster."
  type        = string
}

variable "brokers" {
  description = "Brokers of it."
  type        = number
}

variable "topic_prefix" {
  description = "GLIDESLOPE_TOPIC_PREFIX of the services."
  type        = string
  default     = ""
}

variable "lag" {
  description = "By consumer group the topic whose lag is watched."
  type        = map(string)
  default = {
    audit     = "answers.approved"
    inference = "requests.accepted"
    ingest    = "requests"
    review    = "fallback.review"
    validator = "answers.drafted"
  }
}

variable "lag_records" {
  description = "Records by which a service may be behind."
  type        = number
  default     = 1000
}

variable "database" {
  description = "Name of the database instance."
  type        = string
}

variable "model_ids" {
  description = "Models, as releases name them, whose throttling is told."
  type        = set(string)
  default     = []
}

variable "budget_usd" {
  description = "US dollars a month for everything that carries the deployment's tag."
  type        = number
}

variable "models_budget_usd" {
  description = "US dollars a month for Bedrock in the whole account."
  type        = number
}
