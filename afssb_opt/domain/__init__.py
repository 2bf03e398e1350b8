"""The words of the project: designs, objectives, outcomes, trials and their errors, free of any I/O."""
