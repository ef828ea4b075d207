import STEM
