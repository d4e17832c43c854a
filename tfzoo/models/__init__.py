"""Networks, and tasks that train them."""

from tfzoo.models.adaptation import count_trainable, merge_lora
from tfzoo.models.bert.bert_backbone import BertBackbone
from tfzoo.models.bert.bert_masked_lm import BertMaskedLM
from tfzoo.models.bert.bert_question_answerer import BertQuestionAnswerer
from tfzoo.models.bert.bert_text_classifier import BertTextClassifier
from tfzoo.models.bert.bert_text_embedder import BertTextEmbedder
from tfzoo.models.bert.bert_token_classifier import BertTokenClassifier
from tfzoo.models.bert.text_classification import ClassProbability
from tfzoo.models.bert.token_classification import Entity
from tfzoo.models.gan.dcgan_discriminator import DCGANDiscriminator
from tfzoo.models.gan.dcgan_generator import DCGANGenerator
from tfzoo.models.gan.gan import GAN
from tfzoo.models.gan.mlp_discriminator import MLPDiscriminator
from tfzoo.models.gan.mlp_generator import MLPGenerator
from tfzoo.models.gan.residual_discriminator import ResidualDiscriminator
from tfzoo.models.gan.residual_generator import ResidualGenerator
from tfzoo.models.gpt.gpt_backbone import GPTBackbone
from tfzoo.models.gpt.gpt_causal_lm import GPTCausalLM
from tfzoo.models.sizes import (
    BERT_BASE,
    BERT_LARGE,
    BERT_MINI,
    BERT_SMALL,
    BERT_TINY,
    DCGAN,
    DCGAN_SMALL,
    GPT_LARGE,
    GPT_MEDIUM,
    GPT_MINI,
    GPT_NANO,
    GPT_SMALL,
    GPT_XL,
    MINILM,
    MLP_GAN,
    MODERN,
    RESIDUAL_GAN_28,
)
from tfzoo.models.task import Task

__all__ = [
    "BERT_BASE",
    "BERT_LARGE",
    "BERT_MINI",
    "BERT_SMALL",
    "BERT_TINY",
    "DCGAN",
    "DCGAN_SMALL",
    "GAN",
    "GPT_LARGE",
    "GPT_MEDIUM",
    "GPT_MINI",
    "GPT_NANO",
    "GPT_SMALL",
    "GPT_XL",
    "MINILM",
    "MLP_GAN",
    "MODERN",
    "RESIDUAL_GAN_28",
    "BertBackbone",
    "BertMaskedLM",
    "BertQuestionAnswerer",
    "BertTextClassifier",
    "BertTextEmbedder",
    "BertTokenClassifier",
    "ClassProbability",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Entity",
    "GPTBackbone",
    "GPTCausalLM",
    "MLPDiscriminator",
    "MLPGenerator",
    "ResidualDiscriminator",
    "ResidualGenerator",
    "Task",
    "count_trainable",
    "merge_lora",
]
