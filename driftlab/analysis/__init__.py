"""What a task model's answer hangs on: the questions that take many runs of the data model, as generators."""
