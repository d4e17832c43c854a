"""What `finetune_bert.py` knows of each kind of task: data, model, score, baseline."""
